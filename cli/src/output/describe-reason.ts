/** Why it ended as it did or has not ended yet; empty where there is nothing to say. */
export function describeReason(subject: {
  waiting_reason?: string;
  status_reason: { reason: string; description: string } | null;
}): string {
  if (subject.waiting_reason !== undefined) return subject.waiting_reason;
  const { status_reason } = subject;
  if (status_reason === null) return '';
  return status_reason.description === '' ? status_reason.reason : status_reason.description;
}
