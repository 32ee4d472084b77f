import type { Event } from '@gofer/contracts/api';
import type { GoferClient } from '../api/gofer-client.ts';
import { reconnecting } from './reconnect.ts';

/** Events as they happen, across reconnections, each once; ends when `signal` aborts. */
export function followEvents(
  client: GoferClient,
  {
    history,
    kinds = [],
    since,
    after,
    onOpen,
    onLost,
  }: {
    history: boolean;
    /** Only these; empty: all. */
    kinds?: readonly string[];
    /** Epoch milliseconds: begins with the first that happened then or later. */
    since?: number;
    /** Begins behind the event with this id. */
    after?: string;
    onOpen?: () => void;
    onLost?: () => void;
  },
  signal: AbortSignal,
): AsyncIterable<Event> {
  let last = after;
  const kind = kinds.length === 0 ? {} : { kind: [...kinds] };
  const first = { history, ...(since === undefined ? {} : { since }) };
  async function open(): Promise<AsyncIterable<Event>> {
    const events = await client.events({ ...kind, ...(last === undefined ? first : { history: true, after: last }) }, signal);
    onOpen?.();
    return remembering(events);
  }
  async function* remembering(events: AsyncIterable<Event>): AsyncGenerator<Event> {
    for await (const event of events) {
      last = event.id;
      yield event;
    }
  }
  return reconnecting(open, { signal, ...(onLost === undefined ? {} : { onLost }) });
}
