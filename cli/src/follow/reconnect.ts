import { codeOf } from '@gofer/contracts';

export interface ReconnectOptions {
  readonly signal: AbortSignal;
  /** How long, in milliseconds, the server may be away before its absence is an error. */
  readonly patience?: number;
  /** Told once for each time that the server is lost. */
  readonly onLost?: () => void;
}

const PATIENCE = 60_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2_000;

/**
 * A stream that outlives its connection: `open` is called again, with growing pauses, while what it opened ends by `UNAVAILABLE` or
 * cannot be opened for that reason. `open` must continue behind what it has yielded. The very first opening is not repeated: a
 * server that is not there at the beginning is an error at once. Ends when `open`'s iterable ends or `signal` aborts.
 */
export async function* reconnecting<Item>(
  open: () => Promise<AsyncIterable<Item>>,
  { signal, patience = PATIENCE, onLost }: ReconnectOptions,
): AsyncGenerator<Item> {
  let opened = false;
  let lostAt: number | undefined;
  let pause = FIRST_PAUSE;
  for (;;) {
    try {
      const items = await open();
      opened = true;
      for await (const item of items) {
        lostAt = undefined;
        pause = FIRST_PAUSE;
        yield item;
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!opened || codeOf(error) !== 'UNAVAILABLE') throw error;
      if (lostAt === undefined) {
        lostAt = performance.now();
        onLost?.();
      }
      if (performance.now() - lostAt > patience) throw error;
      await sleep(pause, signal);
      if (signal.aborted) return;
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });
}
