import type { Event } from '@gofer/contracts/api';
import type { GoferClient } from '../api/gofer-client.ts';
import { reconnecting } from './reconnect.ts';

/** Events as they happen, across reconnections, each once; ends when `signal` aborts. */
export function followEvents(
  client: GoferClient,
  { history, onOpen, onLost }: { history: boolean; onOpen?: () => void; onLost?: () => void },
  signal: AbortSignal,
): AsyncIterable<Event> {
  let last: string | undefined;
  async function open(): Promise<AsyncIterable<Event>> {
    const events = await client.events(last === undefined ? { history } : { history: true, after: last }, signal);
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
