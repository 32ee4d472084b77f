/** Events of the server across lost connections: each connection begins behind the last event that the one before it has brought. */

import { EventSocket } from './event-socket.ts';
import type { ExtensionClock, GoferEvent } from './extension.ts';
import { type Connection, pauseOf } from './gofer-request.ts';
import { GoferRequestError } from './gofer-request-error.ts';
import { sleepUntil } from './real-clock.ts';

export interface FollowOptions {
  readonly kinds: readonly string[];
  readonly after?: string;
  readonly signal: AbortSignal;
}

/** Codes that the server closes with where coming back would end the same way. */
const REFUSED: ReadonlySet<string> = new Set(['INVALID_ARGUMENT', 'PERMISSION_DENIED', 'UNAUTHENTICATED', 'DATA_LOSS']);

export async function* followEvents(connection: Connection, { kinds, after, signal }: FollowOptions): AsyncGenerator<GoferEvent> {
  const wanted = new Set(kinds);
  const pauses = new Pauses(connection.clock, connection.random, signal);
  try {
    // Without a point to come back to, what happens while the first connection is lost would be missed.
    let from = after === undefined ? await newestEvent(connection, pauses, signal) : { after };
    for (;;) {
      const socket = EventSocket.open(connection, { kinds, ...(from.after === undefined ? { history: true } : from) }, signal);
      for await (const event of socket) {
        pauses.reset();
        from = { after: event.id };
        // What is unread by then is not wanted any more.
        if (signal.aborted) return;
        if (wanted.has(event.kind)) yield event;
      }
      signal.throwIfAborted();
      const code = socket.closeCode();
      // What was remembered has expired: what is stored now is all that there is behind it.
      if (from.after !== undefined && (code === 'GONE' || code === 'NOT_FOUND')) from = { after: undefined };
      else if (REFUSED.has(code)) throw new GoferRequestError(0, code, socket.closeReason());
      await pauses.next();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** The last event that is stored; `after` is undefined where there is none. */
async function newestEvent(connection: Connection, pauses: Pauses, signal: AbortSignal): Promise<{ after: string | undefined }> {
  for (;;) {
    const socket = EventSocket.open(connection, { kinds: [], history: true, reverse: true }, signal);
    for await (const event of socket) return { after: event.id };
    signal.throwIfAborted();
    if (socket.endedWell()) return { after: undefined };
    const code = socket.closeCode();
    if (REFUSED.has(code)) throw new GoferRequestError(0, code, socket.closeReason());
    await pauses.next();
  }
}

class Pauses {
  readonly #clock: ExtensionClock;
  readonly #random: () => number;
  readonly #signal: AbortSignal;
  #attempt = 0;

  constructor(clock: ExtensionClock, random: () => number, signal: AbortSignal) {
    this.#clock = clock;
    this.#random = random;
    this.#signal = signal;
  }

  reset(): void {
    this.#attempt = 0;
  }

  async next(): Promise<void> {
    const pause = pauseOf(this.#attempt, this.#random);
    this.#attempt += 1;
    await sleepUntil(this.#clock, this.#clock.now() + pause, this.#signal);
  }
}
