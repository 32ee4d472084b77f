import type { Cancellation } from '@gofer/contracts/api';
import { describeCancellation, describeReason } from './describe-reason.ts';
import type { Presentation } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';
import { formatTime } from './times.ts';

interface Subject {
  readonly state: string;
  readonly status: string;
  readonly ended: number;
  readonly status_reason: { readonly reason: string; readonly description: string } | null;
  readonly cancellation?: Cancellation;
}

/** What a cancellation did. `before` and `after` it; `name` stands within a sentence. */
export function describeCancelled(name: string, before: Subject, after: Subject, { now, detail: exact }: Presentation): string {
  if (before.state === 'complete') return describeEnded(name, before, { now, exact });
  if (before.cancellation !== undefined) {
    const first = toSafeLine(describeCancellation(before.cancellation, { now, exact }));
    return after.state === 'complete'
      ? `${describeEnded(name, after, { now, exact }, 'has ended')}; it was being ended already (${first})`
      : `${upper(name)} is being ended already: ${first}`;
  }
  if (after.state !== 'complete') return `Cancelling ${name}`;
  return after.status === 'cancelled' ? `Cancelled ${name}` : describeEnded(name, after, { now, exact });
}

function describeEnded(name: string, subject: Subject, times: { now: number; exact: boolean }, verb = 'had ended already'): string {
  const reason = describeReason({ status_reason: subject.status_reason });
  return `${upper(name)} ${verb}, ${formatTime(subject.ended, times)}: ${subject.status}${reason === '' ? '' : `, ${toSafeLine(reason)}`}`;
}

function upper(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
