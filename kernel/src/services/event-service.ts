import { GoferError } from '@gofer/contracts';
import type { Event } from '@gofer/contracts/api';
import type { Store } from '../storage/store.ts';
import type { EventService } from './services.ts';

const PAGE = 200;

export class StoredEventService implements EventService {
  readonly #store: Store;
  /** How long events are kept, milliseconds. */
  readonly #retentionMs: number;
  readonly #now: () => number;

  constructor(store: Store, retentionMs: number, now: () => number) {
    this.#store = store;
    this.#retentionMs = retentionMs;
    this.#now = now;
  }

  async get(id: string): Promise<Event> {
    return this.#existing(id).event;
  }

  async delete(id: string): Promise<void> {
    await this.#store.commitAudited(() => {
      this.#existing(id);
      this.#store.events.delete(id);
    });
  }

  async *stream(query: Parameters<EventService['stream']>[0]): AsyncIterable<Event> {
    const { mayRead } = query;
    for await (const event of this.#all(query)) if (mayRead === undefined || mayRead(event)) yield event;
  }

  async *#all(query: Parameters<EventService['stream']>[0]): AsyncIterable<Event> {
    if (query.reverse) {
      if (!query.history)
        throw new GoferError('INVALID_ARGUMENT', 'reverse needs history=true: events that are still to come have no last one.');
      yield* this.#backwards(query.signal);
      return;
    }
    const after = query.after === undefined ? undefined : this.#existing(query.after).seq;
    yield* this.#forwards(after ?? (query.history ? 0 : this.#store.events.lastSeq()), query.signal);
  }

  async *#backwards(signal: AbortSignal): AsyncIterable<Event> {
    for (let seq = Number.MAX_SAFE_INTEGER; !signal.aborted; ) {
      const page = this.#store.events.before(seq, PAGE);
      for (const { event } of page) yield event;
      if (page.length < PAGE) return;
      seq = page.at(-1)?.seq ?? 0;
    }
  }

  /** Reads on from where it is, and sleeps until a commit makes more: history and what is to come are one. */
  async *#forwards(from: number, signal: AbortSignal): AsyncIterable<Event> {
    const { events } = this.#store;
    let wake: (() => void) | undefined;
    let fresh = true;
    const stir = (): void => {
      fresh = true;
      wake?.();
    };
    const forget = events.subscribe(stir);
    signal.addEventListener('abort', stir);
    try {
      for (let seq = from; !signal.aborted; ) {
        fresh = false;
        const page = events.after(seq, PAGE);
        for (const stored of page) {
          yield stored.event;
          seq = stored.seq;
        }
        if (page.length > 0 || fresh || signal.aborted) continue;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
    } finally {
      forget();
      signal.removeEventListener('abort', stir);
    }
  }

  #existing(id: string) {
    const stored = this.#store.events.find(id);
    if (stored !== undefined) return stored;
    const made = timeOf(id);
    if (made !== undefined && made < this.#now() - this.#retentionMs)
      throw new GoferError('GONE', `Event '${id}' has expired (api.event_log_retention).`);
    throw new GoferError('NOT_FOUND', `Event '${id}' does not exist.`);
  }
}

/** When a uuid of version 7 was made, epoch milliseconds (RFC 9562 §5.7); undefined for anything else. */
function timeOf(id: string): number | undefined {
  const match = /^([\da-f]{8})-([\da-f]{4})-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i.exec(id);
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16);
}
