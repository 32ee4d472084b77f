import type { Cancellation, Initiator } from '@gofer/contracts/api';
import { formatTime } from './times.ts';

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

/** A reason in the words that programs compare: `abnormal_exit, timeout`, and who asked for it. */
export function describeWords({ reason, cause, by }: { reason: string; cause?: string; by?: Initiator }): string {
  return [reason, ...(cause === undefined ? [] : [cause]), ...(by === undefined ? [] : [`by ${by.user}`])].join(', ');
}

/** `cancelled by ada, 3 minutes ago`; a description that does not name who asked for it has that behind it. */
export function describeCancellation({ at, description, by }: Cancellation, { now, exact }: { now: number; exact: boolean }): string {
  const who = by === undefined || description.includes(by.user) ? '' : `, by ${by.user}`;
  return `${description}${who}, ${formatTime(at, { now, exact })}`;
}
