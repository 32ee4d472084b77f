/** How many events each address sends in a minute, for `external_events.sender_requests_per_minute`. */
import { clientNetwork } from '../access/client-address.ts';

export interface SenderCountsOptions {
  /** Of one address in a minute; 0 is unlimited. */
  readonly limit: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Addresses that are told apart. */
  readonly senders?: number;
}

interface Minute {
  readonly ends: number;
  count: number;
}

const MINUTE_MS = 60_000;
const SENDERS = 20_000;

/**
 * A minute begins with an address's first event. Where too many addresses send, the one that has been silent the longest is forgotten, so
 * that a crowd of strangers takes neither memory nor the share of an address that goes on sending; what they all can do to an extension is
 * bounded by the extension's own limit.
 */
export class SenderCounts {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #senders: number;
  /** The one that has been silent the longest first. */
  readonly #minutes = new Map<string, Minute>();

  constructor({ limit, now, senders = SENDERS }: SenderCountsOptions) {
    this.#limit = limit;
    this.#now = now;
    this.#senders = senders;
  }

  /** Counts an event. Returns the seconds that its address has to wait, once there were too many. */
  add(address: string): number | undefined {
    if (this.#limit === 0) return undefined;
    const now = this.#now();
    const minute = this.#take(clientNetwork(address), now);
    minute.count += 1;
    return minute.count <= this.#limit ? undefined : Math.max(1, Math.ceil((minute.ends - now) / 1000));
  }

  #take(sender: string, now: number): Minute {
    const known = this.#minutes.get(sender);
    const minute = known !== undefined && known.ends > now ? known : { ends: now + MINUTE_MS, count: 0 };
    this.#minutes.delete(sender);
    this.#minutes.set(sender, minute);
    for (const [silent] of this.#minutes) {
      if (this.#minutes.size <= this.#senders) break;
      this.#minutes.delete(silent);
    }
    return minute;
  }
}
