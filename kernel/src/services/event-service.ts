import { closestName, GoferError } from '@gofer/contracts';
import { EVENT_KINDS, type Event, type EventKind, isEventKind } from '@gofer/contracts/api';
import type { EventPage, StoredEvent } from '../storage/events-table.ts';
import type { Store } from '../storage/store.ts';
import type { EventService } from './services.ts';

type EventQuery = Parameters<EventService['stream']>[0];
interface Forwards {
  readonly from: number;
  /** Behind an event that was read before. */
  readonly isResumed: boolean;
  readonly since: number | undefined;
  readonly kinds: readonly EventKind[] | undefined;
  readonly signal: AbortSignal;
}

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

  /** Throws at once for a kind that there is not. */
  stream(query: EventQuery): AsyncIterable<Event> {
    return this.#readable(query, query.kinds?.map(toKind));
  }

  async *#readable(query: EventQuery, kinds: readonly EventKind[] | undefined): AsyncIterable<Event> {
    const { mayRead } = query;
    for await (const event of this.#all(query, kinds)) if (mayRead === undefined || mayRead(event)) yield event;
  }

  async *#all(query: EventQuery, kinds: readonly EventKind[] | undefined): AsyncIterable<Event> {
    const { history, reverse, signal, since } = query;
    if (reverse && !history)
      throw new GoferError('INVALID_ARGUMENT', 'reverse needs history=true: events that are still to come have no last one.');
    const after = query.after === undefined ? undefined : this.#existing(query.after).seq;
    if (reverse) {
      const first = since === undefined ? 0 : await this.#firstSince(since, 0, signal);
      if (first !== undefined) yield* this.#backwards(after ?? Number.MAX_SAFE_INTEGER, first, kinds, signal);
      return;
    }
    const from = after ?? (history ? 0 : this.#store.events.lastSeq());
    yield* this.#forwards({ from, isResumed: after !== undefined, since, kinds, signal });
  }

  /** Those before one, down to `first`. */
  async *#backwards(before: number, first: number, kinds: readonly EventKind[] | undefined, signal: AbortSignal): AsyncIterable<Event> {
    const { events } = this.#store;
    for (let seq = before; seq > first && !signal.aborted; ) {
      const page = kinds === undefined ? asPage(events.before(seq, PAGE), 0) : events.beforeOf(kinds, seq, PAGE);
      for (const stored of page.events) {
        if (stored.seq < first) return;
        yield stored.event;
      }
      if (page.events.length === 0) await breath();
      seq = page.next;
    }
  }

  /** Reads on from where it is, and sleeps until a commit makes more: history and what is to come are one. */
  async *#forwards({ from, isResumed, since, kinds, signal }: Forwards): AsyncIterable<Event> {
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
      let seq = from;
      // Whoever resumes may have begun before: what was emitted early and told late is not to be passed over.
      let first = since === undefined ? 0 : await this.#firstSince(since, isResumed ? 0 : seq, signal);
      while (!signal.aborted) {
        fresh = false;
        const before = seq;
        if (first === undefined && since !== undefined) {
          seq = Math.max(seq, events.lastSeq());
          first = await this.#firstSince(since, before, signal);
          if (first !== undefined) seq = before;
        }
        if (first !== undefined) {
          seq = Math.max(seq, first - 1);
          const page = kinds === undefined ? asPage(events.after(seq, PAGE), seq) : events.afterOf(kinds, seq, PAGE);
          for (const stored of page.events) yield stored.event;
          if (page.next > seq && page.events.length === 0) await breath();
          seq = page.next;
        }
        if (seq > before || fresh || signal.aborted) continue;
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

  async #firstSince(since: number, from: number, signal: AbortSignal): Promise<number | undefined> {
    for (let seq = from; !signal.aborted; ) {
      const { found, next } = this.#store.events.firstSince(since, seq);
      if (found !== undefined || next === seq) return found;
      seq = next;
      await breath();
    }
    return undefined;
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

function toKind(text: string): EventKind {
  if (isEventKind(text)) return text;
  const near = closestName(text, EVENT_KINDS);
  const cure = near === undefined ? `The kinds are ${EVENT_KINDS.join(', ')}.` : `Did you mean '${near}'?`;
  throw new GoferError('INVALID_ARGUMENT', `'${text}' is no kind of event. ${cure}`, {
    details: [{ path: '$.query.kind', message: `'${text}' is no kind of event` }],
  });
}

function asPage(events: readonly StoredEvent[], end: number): EventPage {
  return { events, next: events.at(-1)?.seq ?? end };
}

/** Lets others go on. */
function breath(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** When a uuid of version 7 was made, epoch milliseconds (RFC 9562 §5.7); undefined for anything else. */
function timeOf(id: string): number | undefined {
  const match = /^([\da-f]{8})-([\da-f]{4})-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i.exec(id);
  return match === null ? undefined : Number.parseInt(`${match[1]}${match[2]}`, 16);
}
