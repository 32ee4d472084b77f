/**
 * Time as the kernel's work sees it: given to whoever needs it, so that a test can move it. What is kept (starts, ends, deadlines) is
 * wall-clock time, which somebody may set back or forward; what is waited for is measured on a clock that only goes forward.
 */
export interface Clock {
  /** The wall clock: epoch milliseconds. May jump in both directions. */
  now(): number;
  /** Milliseconds that only go forward, at one second a second; their beginning means nothing. */
  monotonic(): number;
  /** Calls `act` once, `ms` from now by `monotonic`, unless the returned function is called before. Keeps no process alive. */
  after(ms: number, act: () => void): () => void;
}

/** `setTimeout` takes 31 bits of milliseconds; what is longer is waited for in pieces. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  after(ms, act) {
    const end = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const wait = (): void => {
      const left = end - performance.now();
      timer = setTimeout(() => (left > LONGEST_TIMER_MS ? wait() : act()), Math.min(Math.max(left, 0), LONGEST_TIMER_MS)).unref();
    };
    wait();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`; rejects with the signal's reason as soon as that aborts. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Milliseconds until `deadline` (epoch milliseconds), which was set `total` ahead: never more than that, however the wall clock was set since. */
export function timeLeft(clock: Clock, deadline: number, total: number): number {
  return Math.min(Math.max(deadline - clock.now(), 0), total);
}
