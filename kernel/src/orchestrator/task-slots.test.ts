import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TaskSlots } from './task-slots.ts';

describe('task slots', () => {
  it('never grant more than there are, and leave none free while somebody waits', () => {
    const step = fc.record({ kind: fc.constantFrom('want', 'want', 'release', 'giveUp', 'giveUpAll'), run: fc.nat(3) });
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 5), fc.array(step, { maxLength: 100 }), (capacity, steps) => {
        const slots = new TaskSlots(capacity);
        const waiting = new Map<string, number[]>();
        const granted: string[] = [];
        let held = 0;
        for (const [task, { kind, run }] of steps.entries()) {
          const uid = `run-${run}`;
          const queue = waiting.get(uid) ?? [];
          if (kind === 'want' && !slots.tryTake()) {
            waiting.set(uid, [...queue, task]);
            slots.wait(uid, task, () => {
              held += 1;
              granted.push(`${uid} ${task}`);
              // Each run's tasks in their order.
              expect(waiting.get(uid)?.[0]).toBe(task);
              waiting.set(uid, (waiting.get(uid) ?? []).slice(1));
            });
          } else if (kind === 'want') {
            held += 1;
          } else if (kind === 'release' && held > 0) {
            held -= 1;
            slots.release();
          } else if (kind === 'giveUp') {
            expect(slots.giveUp(uid, queue[0] ?? -1)).toBe(queue.length > 0);
            waiting.set(uid, queue.slice(1));
          } else if (kind === 'giveUpAll') {
            slots.giveUpAll(uid);
            waiting.set(uid, []);
          }
          expect(slots.used).toBe(held);
          expect(slots.used).toBeLessThanOrEqual(capacity);
          if ([...waiting.values()].some((tasks) => tasks.length > 0)) expect(slots.used).toBe(capacity);
        }
        while (held > 0) {
          held -= 1;
          slots.release();
        }
        expect([...waiting.values()].flat()).toEqual([]);
        expect(new Set(granted).size).toBe(granted.length);
      }),
      { numRuns: 300 },
    );
  });

  it('let runs take turns', () => {
    const slots = new TaskSlots(1);
    const granted: string[] = [];
    expect(slots.tryTake()).toBe(true);
    for (const task of [1, 2, 3]) slots.wait('large', task, () => granted.push(`large ${task}`));
    slots.wait('small', 1, () => granted.push('small 1'));
    expect(slots.tryTake()).toBe(false);
    for (let release = 0; release < 4; release += 1) slots.release();
    expect(granted).toEqual(['large 1', 'small 1', 'large 2', 'large 3']);
  });

  it('grant a free one to who waits after a restart, and none while those found again use them all', () => {
    const slots = new TaskSlots(2);
    const granted: number[] = [];
    for (let found = 0; found < 3; found += 1) slots.resume(1);
    slots.wait('run', 1, () => granted.push(1));
    slots.release();
    expect(granted).toEqual([]);
    slots.release();
    expect(granted).toEqual([1]);
    slots.release();
    slots.wait('run', 2, () => granted.push(2));
    expect(granted).toEqual([1, 2]);
  });
});
