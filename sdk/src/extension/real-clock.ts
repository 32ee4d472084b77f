import type { ExtensionClock } from './extension.ts';

/** A timer that is longer is looked at again after this: timers end at 2^31 ms, and do not notice that the clock has been set. */
const LONGEST_SLEEP_MS = 60_000;

/** What a clock is made of. */
export interface Timers {
  readonly now: () => number;
  readonly set: (callback: () => void, milliseconds: number) => unknown;
  readonly clear: (timer: unknown) => void;
}

const MACHINE: Timers = {
  now: () => Date.now(),
  set: (callback, milliseconds) => setTimeout(callback, milliseconds),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** The machine's clock. A time that is far away is reached within a minute after the clock is set past it. */
export function createRealClock(timers: Timers = MACHINE): ExtensionClock {
  return {
    now: timers.now,
    at(time, callback) {
      let timer: unknown;
      const wake = (): void => {
        const left = time - timers.now();
        // A timer may come a little early; a time that is not a number has passed.
        if (left > 0) timer = timers.set(wake, Math.min(left, LONGEST_SLEEP_MS));
        else callback();
      };
      const left = time - timers.now();
      timer = timers.set(wake, left > 0 ? Math.min(left, LONGEST_SLEEP_MS) : 0);
      return () => timers.clear(timer);
    },
  };
}

/** Resolves at that time; rejects with the signal's reason when it aborts. */
export function sleepUntil(clock: ExtensionClock, time: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.at(time, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}
