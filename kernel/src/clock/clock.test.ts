import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { pause, SYSTEM_CLOCK, timeLeft } from './clock.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a timer of any length is called once, when its time has come and not before', () => {
  const days = 100 * 24 * 3_600_000;
  const act = vi.fn<() => void>();
  SYSTEM_CLOCK.after(days, act);
  vi.advanceTimersByTime(days - 1);
  expect(act).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  vi.advanceTimersByTime(days);
  expect(act).toHaveBeenCalledOnce();
});

test('a timer that is taken back is not called, however long it was', () => {
  const act = vi.fn<() => void>();
  const forget = SYSTEM_CLOCK.after(50 * 24 * 3_600_000, act);
  vi.advanceTimersByTime(30 * 24 * 3_600_000);
  forget();
  vi.advanceTimersByTime(30 * 24 * 3_600_000);
  expect(act).not.toHaveBeenCalled();
});

test('a timer is measured on the clock that only goes forward', () => {
  const act = vi.fn<() => void>();
  SYSTEM_CLOCK.after(1000, act);
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(999);
  expect(act).not.toHaveBeenCalled();
  vi.setSystemTime(Date.now() - 7_200_000);
  vi.advanceTimersByTime(1);
  expect(act).toHaveBeenCalledOnce();
});

test('a pause ends with its time, or with its signal, whose listener it leaves to nobody', async () => {
  const whole = pause(SYSTEM_CLOCK, 10);
  vi.advanceTimersByTime(10);
  await whole;
  const abort = new AbortController();
  const cut = pause(SYSTEM_CLOCK, 10, abort.signal);
  abort.abort(new Error('leaving'));
  await expect(cut).rejects.toThrow('leaving');
  await expect(pause(SYSTEM_CLOCK, 10, abort.signal)).rejects.toThrow('leaving');
});

test('what is left of a limit is never more than the limit, wherever the clock was set', () => {
  const at = (now: number) => ({ ...SYSTEM_CLOCK, now: () => now });
  expect(timeLeft(at(1000), 1500, 600)).toBe(500);
  expect(timeLeft(at(-3_600_000), 1500, 600)).toBe(600);
  expect(timeLeft(at(3_600_000), 1500, 600)).toBe(0);
});
