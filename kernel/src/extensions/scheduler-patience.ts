/** Asks a scheduler again while it cannot be reached: that says nothing of what it runs. */
import { codeOf, GoferError } from '@gofer/contracts';
import { type Clock, pause } from '../clock/clock.ts';

export interface Patience {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long it is asked again; absent: without an end. */
  readonly patienceMs?: number;
  /** Told before each time that it is asked again. */
  readonly onRetry?: (reason: string) => void;
}

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 10_000;

/** Rejects with what `ask` rejects with but for `UNAVAILABLE`, with that too once patience is over, and with `CANCELLED` when `signal` aborts. */
export async function withPatience<T>(ask: () => Promise<T>, { clock, signal, patienceMs, onRetry }: Patience): Promise<T> {
  const giveUpAt = clock.monotonic() + (patienceMs ?? Number.POSITIVE_INFINITY);
  for (let ms = FIRST_RETRY_MS; ; ms = Math.min(ms * 2, LAST_RETRY_MS)) {
    throwIfAborted(signal);
    try {
      return await ask();
    } catch (error) {
      throwIfAborted(signal);
      if (codeOf(error) !== 'UNAVAILABLE' || clock.monotonic() + ms > giveUpAt) throw error;
      onRetry?.(error instanceof Error ? error.message : String(error));
      await pauseUnlessAborted(clock, ms, signal);
    }
  }
}

/** Rejects with `CANCELLED` when `signal` aborts. */
export async function pauseUnlessAborted(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(clock, ms, signal);
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new GoferError('CANCELLED', 'the caller gave up');
}
