import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openReplayGuard, type ReplayGuard, type ReplayGuardOptions } from './replay-guard.ts';
import { startTestKit } from './testing/index.ts';

/** An extension with nothing but a guard. */
async function startGuard(options?: ReplayGuardOptions) {
  let guard: ReplayGuard | undefined;
  const kit = await startTestKit((host) => ({
    info: { documentation: '', configParams: [], subscriptionParams: [] },
    async start() {
      guard = await openReplayGuard(host, options);
    },
    subscribe() {},
    unsubscribe() {},
    shutdown: () => guard?.flush(),
  }));
  onTestFinished(() => kit.close());
  const current = (): ReplayGuard => {
    if (guard === undefined) throw new Error('There is no guard.');
    return guard;
  };
  return { kit, guard: current };
}

const nothing = () => Promise.resolve();

describe('an event', () => {
  test('is done once, by whichever key it comes again', async () => {
    const { guard } = await startGuard();
    expect(await guard().once(['id 1', 'body a'], nothing)).toBe(true);
    expect(await guard().once(['id 1', 'body b'], nothing)).toBe(false);
    expect(await guard().once(['id 2', 'body a'], nothing)).toBe(false);
    expect(await guard().once(['id 2', 'body b'], nothing)).toBe(true);
  });

  test('that failed may come again', async () => {
    const { guard } = await startGuard();
    await expect(guard().once(['id 1'], () => Promise.reject(new Error('no server')))).rejects.toThrow('no server');
    expect(await guard().once(['id 1'], nothing)).toBe(true);
  });

  test('that comes while it is under way waits for its end', async () => {
    const { guard } = await startGuard();
    const first = Promise.withResolvers<void>();
    let done = 0;
    const count = () => {
      done += 1;
      return Promise.resolve();
    };
    const failing = guard().once(['id 1', 'a'], () => first.promise);
    const others = [guard().once(['id 1'], count), guard().once(['a'], count), guard().once(['id 1', 'a'], count)];
    first.reject(new Error('no server'));
    await expect(failing).rejects.toThrow('no server');
    // Whichever of them was first has done both keys, or one each.
    const answers = await Promise.all(others);
    expect(answers.filter(Boolean)).toHaveLength(done);
    expect(answers).toEqual([true, true, false]);
  });
});

describe('what is remembered', () => {
  test('survives an orderly end, and a crash a second later', async () => {
    const { kit, guard } = await startGuard();
    await guard().once(['id 1'], nothing);
    await kit.restart();
    expect(await guard().once(['id 1'], nothing)).toBe(false);
    await guard().once(['id 2'], nothing);
    await kit.clock.advance(1_000);
    await kit.restart({ kill: true });
    expect(guard().size).toBe(2);
    expect(await guard().once(['id 2'], nothing)).toBe(false);
  });

  test('holds nothing of the keys', async () => {
    const { kit, guard } = await startGuard();
    await guard().once(['a very telling signature'], nothing);
    await kit.clock.advance(1_000);
    expect([...kit.objects.keys()]).toEqual(['seen-1']);
    expect(Buffer.from(kit.objects.get('seen-1') ?? []).toString()).toMatch(/^[\w-]{22}$/);
  });

  test('is the latest, as many as there is room for, and what is dropped is deleted', async () => {
    const { kit, guard } = await startGuard({ prefix: 'x-', capacity: 40 });
    for (let number = 0; number < 200; number += 1) await guard().once([`id ${number}`], nothing);
    await kit.clock.advance(1_000);
    expect(kit.objects.size).toBe(21);
    await kit.restart({ kill: true });
    expect(guard().size).toBe(42);
    expect(await guard().once(['id 160'], nothing)).toBe(false);
    expect(await guard().once(['id 100'], nothing)).toBe(true);
  });

  test('is what was done, whatever fails and wherever it is restarted', async () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ keys: fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 2 }), fails: fc.boolean() }) },
      { weight: 1, arbitrary: fc.constant('restart' as const) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const { kit, guard } = await startGuard();
        const done = new Set<number>();
        for (const each of steps) {
          if (each === 'restart') {
            await kit.restart();
            continue;
          }
          const isNew = !each.keys.some((key) => done.has(key));
          const work = () => (each.fails ? Promise.reject(new Error('fails')) : Promise.resolve());
          const answer = await guard()
            .once(each.keys.map(String), work)
            .catch(() => 'failed');
          expect(answer).toBe(isNew ? (each.fails ? 'failed' : true) : false);
          if (answer === true) for (const key of each.keys) done.add(key);
        }
        expect(guard().size).toBe(done.size);
      }),
      { numRuns: 25 },
    );
  });
});
