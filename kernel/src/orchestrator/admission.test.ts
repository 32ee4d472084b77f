import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission } from './admission.ts';

type Step =
  | { readonly kind: 'enqueue'; readonly pipeline: number }
  | { readonly kind: 'end'; readonly pick: number }
  | { readonly kind: 'cancel'; readonly pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('enqueue'), pipeline: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end'), pick: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel'), pick: fc.nat(100) }) },
);
const limit = fc.constantFrom(1, 2, 3, Number.POSITIVE_INFINITY);

/** The admission beside a plain account of what it has done. */
class Account {
  readonly admission: Admission;
  readonly order: string[] = [];
  readonly running = new Map<string, string>();
  readonly waiting = new Map<string, string>();
  readonly enqueued: string[] = [];
  readonly limits: readonly number[];

  constructor(global: number, limits: readonly number[]) {
    this.limits = limits;
    this.admission = new Admission({ global }, (uid) => {
      const pipeline = this.waiting.get(uid);
      if (pipeline === undefined) throw new Error(`${uid} was admitted and does not wait`);
      this.waiting.delete(uid);
      this.running.set(uid, pipeline);
      this.order.push(uid);
    });
  }

  enqueue(pipeline: number): void {
    const uid = `p${pipeline}-${this.enqueued.length}`;
    this.enqueued.push(uid);
    this.waiting.set(uid, `p${pipeline}`);
    this.admission.enqueue({ uid, pipelineUid: `p${pipeline}`, limit: this.limits[pipeline] ?? 1 });
  }

  end(uid: string): void {
    const pipeline = this.running.get(uid) ?? this.waiting.get(uid) ?? '';
    this.running.delete(uid);
    this.waiting.delete(uid);
    this.admission.finished(uid, pipeline);
  }

  take(runs: ReadonlyMap<string, string>, pick: number): void {
    const uid = [...runs.keys()][pick % Math.max(1, runs.size)];
    if (uid !== undefined) this.end(uid);
  }
}

describe('admission', () => {
  it('keeps every limit, leaves nothing free that somebody may have, and keeps the order of each pipeline', () => {
    fc.assert(
      fc.property(limit, fc.array(limit, { minLength: 4, maxLength: 4 }), fc.array(step, { maxLength: 80 }), (global, limits, steps) => {
        const account = new Account(global, limits);
        for (const each of steps) {
          if (each.kind === 'enqueue') account.enqueue(each.pipeline);
          else account.take(each.kind === 'end' ? account.running : account.waiting, each.pick);
          expect(account.running.size).toBeLessThanOrEqual(global);
          expect(account.admission.running).toBe(account.running.size);
          for (const [pipeline, most] of limits.entries()) {
            const count = (runs: ReadonlyMap<string, string>): number => [...runs.values()].filter((uid) => uid === `p${pipeline}`).length;
            expect(count(account.running)).toBeLessThanOrEqual(most);
            const isHeld = count(account.waiting) > 0;
            if (isHeld) expect(count(account.running) === most || account.running.size === global).toBe(true);
          }
          for (const [uid, pipeline] of account.waiting) expect(account.admission.reason(uid, pipeline)).toBeDefined();
          for (const [uid, pipeline] of account.running) expect(account.admission.reason(uid, pipeline)).toBeUndefined();
        }
        while (account.running.size > 0) account.take(account.running, 0);
        expect(account.waiting.size).toBe(0);
        for (let pipeline = 0; pipeline < 4; pipeline += 1) {
          const ofPipeline = account.order.filter((uid) => uid.startsWith(`p${pipeline}-`));
          expect(ofPipeline).toEqual(account.enqueued.filter((uid) => ofPipeline.includes(uid)));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('lets no pipeline wait for more than one run of each other', () => {
    const account = new Account(1, [1000, 1000, 1000, 1000]);
    for (let run = 0; run < 50; run += 1) account.enqueue(0);
    account.enqueue(1);
    account.enqueue(2);
    account.take(account.running, 0);
    account.take(account.running, 0);
    account.take(account.running, 0);
    expect(account.order.map((uid) => uid.slice(0, 2))).toEqual(['p0', 'p0', 'p1', 'p2']);
  });

  it('counts what runs already, beyond the limit too, and lets nothing new in before there is room', () => {
    const account = new Account(2, [1, 1, 1, 1]);
    for (const uid of ['p0-a', 'p0-b', 'p1-a']) {
      account.running.set(uid, uid.slice(0, 2));
      account.admission.resume({ uid, pipelineUid: uid.slice(0, 2) });
    }
    account.enqueue(0);
    account.enqueue(2);
    expect(account.order).toEqual([]);
    account.end('p0-a');
    expect(account.order).toEqual([]);
    account.end('p0-b');
    expect(account.order).toEqual(['p0-0']);
    account.end('p1-a');
    expect(account.order).toEqual(['p0-0', 'p2-1']);
  });

  it('says what a run waits for', () => {
    const account = new Account(2, [1, 5, 5, 5]);
    account.enqueue(0);
    account.enqueue(0);
    account.enqueue(0);
    expect(account.admission.reason('p0-2', 'p0')).toEqual({ kind: 'pipeline-limit', limit: 1, ahead: 1 });
    account.enqueue(1);
    account.enqueue(1);
    expect(account.admission.reason('p1-4', 'p1')).toEqual({ kind: 'global-limit', limit: 2, ahead: 0 });
    expect(account.admission.reason('unknown', 'p9')).toBeUndefined();
  });
});
