import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Activity } from './activity.ts';
import { EventFollower } from './event-follower.ts';

interface StoredEvent {
  readonly id: string;
  readonly kind: string;
  readonly text: string;
}

/** The events of a server in memory, and who follows them. */
export class MemoryEvents {
  readonly #activity: Activity;
  readonly #now: () => number;
  readonly #stored: StoredEvent[] = [];
  readonly #expired = new Set<string>();
  readonly #followers = new Map<EventFollower, readonly string[]>();

  constructor(activity: Activity, now: () => number) {
    this.#activity = activity;
    this.#now = now;
    activity.flushWith(async () => {
      for (const follower of this.#followers.keys()) await follower.flush();
    });
  }

  emit(kind: string, payload: Readonly<Record<string, unknown>>): void {
    const id = randomUUID();
    const event = { id, kind, text: JSON.stringify({ id, kind: { [kind]: payload }, emitted: this.#now() }) };
    this.#stored.push(event);
    for (const [follower, kinds] of this.#followers) if (isOf(event, kinds)) follower.send(event.text);
  }

  /** What is stored goes, as events that are too old do. */
  expire(): void {
    for (const { id } of this.#stored.splice(0)) this.#expired.add(id);
  }

  follow(request: IncomingMessage, socket: Duplex, query: URLSearchParams, protocol: string): void {
    const follower = new EventFollower(request, socket, protocol, this.#activity);
    const kinds = query.getAll('kind');
    const after = query.get('after');
    if (query.get('reverse') === 'true') {
      for (const event of this.#stored.toReversed()) if (isOf(event, kinds)) follower.send(event.text);
      return follower.close(1000, 'out of events');
    }
    const index = this.#stored.findIndex(({ id }) => id === after);
    if (after !== null && index < 0)
      return this.#expired.has(after)
        ? follower.close(1008, `GONE: Event '${after}' has expired (api.event_log_retention).`)
        : follower.close(1011, `NOT_FOUND: Event '${after}' does not exist.`);
    const from = after !== null ? index + 1 : query.get('history') === 'true' ? 0 : this.#stored.length;
    for (const event of this.#stored.slice(from)) if (isOf(event, kinds)) follower.send(event.text);
    this.#followers.set(follower, kinds);
    socket.once('close', () => this.#followers.delete(follower));
  }

  /** Their connections break. */
  disconnect(): void {
    for (const follower of this.#followers.keys()) follower.destroy();
    this.#followers.clear();
  }
}

function isOf({ kind }: StoredEvent, kinds: readonly string[]): boolean {
  return kinds.length === 0 || kinds.includes(kind);
}
