import { describe, expect, test } from 'vitest';
import { createRealClock } from './real-clock.ts';

/** A machine whose clock may be set, and whose timers know nothing of that. */
function machine() {
  let now = Date.UTC(2026, 0, 1);
  let uptime = 0;
  const timers = new Map<number, { due: number; callback: () => void }>();
  const sleeps: number[] = [];
  let last = 0;
  const clock = createRealClock({
    now: () => now,
    set(callback, milliseconds) {
      sleeps.push(milliseconds);
      timers.set((last += 1), { due: uptime + milliseconds, callback });
      return last;
    },
    clear: (timer) => timers.delete(timer as number),
  });
  function pass(milliseconds: number): void {
    const until = uptime + milliseconds;
    for (;;) {
      const [next] = [...timers].filter(([, { due }]) => due <= until).toSorted(([, a], [, b]) => a.due - b.due);
      if (next === undefined) break;
      const [id, { due, callback }] = next;
      timers.delete(id);
      now += due - uptime;
      uptime = due;
      callback();
    }
    now += until - uptime;
    uptime = until;
  }
  return { clock, pass, sleeps, timers, set: (time: number) => (now = time) };
}

const DAY = 86_400_000;

describe('the real clock', () => {
  test('is exact months ahead, in short sleeps', () => {
    const { clock, pass, sleeps, timers } = machine();
    const seen: number[] = [];
    const time = clock.now() + 200 * DAY + 1;
    clock.at(time, () => seen.push(clock.now()));
    pass(200 * DAY);
    expect(seen).toEqual([]);
    pass(10);
    expect(seen).toEqual([time]);
    expect(sleeps.reduce((longest, sleep) => Math.max(longest, sleep))).toBe(60_000);
    expect(timers.size).toBe(0);
  });

  test('notices within a minute that the clock was set, forth and back', () => {
    const { clock, pass, set } = machine();
    const seen: number[] = [];
    const start = clock.now();
    clock.at(start + DAY, () => seen.push(clock.now()));
    set(start + 2 * DAY);
    pass(60_000);
    expect(seen).toHaveLength(1);
    const next = clock.now() + 1000;
    clock.at(next, () => seen.push(clock.now()));
    set(start);
    pass(DAY);
    expect(seen).toHaveLength(1);
    pass(2 * DAY);
    expect(seen).toEqual([expect.any(Number), next]);
  });

  test('what has passed, and what is no time, comes at once but not before `at` answers; what is cancelled never', () => {
    const { clock, pass } = machine();
    const seen: string[] = [];
    clock.at(clock.now() - 1, () => seen.push('past'));
    clock.at(Number.NaN, () => seen.push('none'));
    clock.at(clock.now() + 5, () => seen.push('cancelled'))();
    expect(seen).toEqual([]);
    pass(100);
    expect(seen).toEqual(['past', 'none']);
  });
});
