/** What becomes of an event from outside after its extension was handed it. Pure. */
import type { DeliveryAnswer } from './extension-calls.ts';

/** `reason`: why it could not be asked, or did not answer. */
export type Handover = DeliveryAnswer | { readonly statusCode?: undefined; readonly reason: string };

export type Verdict = { readonly state: 'delivered' | 'refused' | 'failed' } | { readonly state: 'pending'; readonly delayMs: number };

/** What another time may do for: too slow, too early, too many. */
const NOT_THE_EVENT: ReadonlySet<number> = new Set([408, 425, 429]);
/** After so many attempts in vain it is given up. */
export const MOST_ATTEMPTS = 12;
const FIRST_DELAY_MS = 1_000;
export const LONGEST_DELAY_MS = 300_000;

/**
 * `failures`: attempts in vain before this one. `random`, at least 0 and less than 1, spreads those that failed together: one that takes
 * its extension down with it then does not take the same others with it each time.
 */
export function judge(handover: Handover, failures: number, random: number): Verdict {
  const { statusCode } = handover;
  if (statusCode !== undefined && statusCode >= 200 && statusCode < 300) return { state: 'delivered' };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500 && !NOT_THE_EVENT.has(statusCode)) return { state: 'refused' };
  if (failures + 1 >= MOST_ATTEMPTS) return { state: 'failed' };
  const delayMs = Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS);
  return { state: 'pending', delayMs: Math.round(delayMs * (1 - random / 4)) };
}
