import { expect, test } from 'vitest';
import { pause } from './clock.ts';
import { quiet, VirtualClock } from './virtual-clock.ts';

const START = Date.UTC(2030, 0, 1);

test('timers are called in the order of their times, and of their asking where those are the same', () => {
  const clock = new VirtualClock(START);
  const called: string[] = [];
  for (const [name, ms] of Object.entries({ late: 50, first: 10, second: 10, negative: -5 })) {
    clock.after(ms, () => called.push(`${name} at ${clock.monotonic()}`));
  }
  while (clock.advance());
  expect(called).toEqual(['negative at 0', 'first at 10', 'second at 10', 'late at 50']);
  expect(clock.now()).toBe(START + 50);
});

test('a timer that is taken back is not called, and taking it back twice takes back no other', () => {
  const clock = new VirtualClock(START);
  const called: string[] = [];
  const forget = clock.after(10, () => called.push('forgotten'));
  clock.after(10, () => called.push('kept'));
  forget();
  forget();
  expect(clock.waiting).toBe(1);
  expect(clock.advance()).toBe(true);
  expect(clock.advance()).toBe(false);
  expect(called).toEqual(['kept']);
});

test('the wall clock is set without moving what is waited for', () => {
  const clock = new VirtualClock(START);
  clock.after(1000, () => {});
  clock.stepWall(-3_600_000);
  expect([clock.now(), clock.monotonic(), clock.nextAt]).toEqual([START - 3_600_000, 0, 1000]);
  clock.advance();
  expect([clock.now(), clock.monotonic()]).toEqual([START - 3_599_000, 1000]);
});

test('after a standstill what was due is called late, and time does not go back for it', () => {
  const clock = new VirtualClock(START);
  const called: number[] = [];
  clock.after(10, () => called.push(clock.monotonic()));
  clock.stall(500);
  expect(called).toEqual([]);
  clock.advance();
  expect(called).toEqual([500]);
});

test('it is quiet once no turn is asked for, however long the chain of them is', async () => {
  const clock = new VirtualClock(START);
  let turns = 0;
  const chain = (): void => {
    turns += 1;
    if (turns < 20) setImmediate(chain);
  };
  const waiting = pause(clock, 10).then(() => setImmediate(chain));
  await quiet();
  expect(turns).toBe(0);
  clock.advance();
  await quiet();
  expect(turns).toBe(20);
  await waiting;
});
