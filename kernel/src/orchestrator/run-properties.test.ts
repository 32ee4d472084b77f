import { GoferError } from '@gofer/contracts';
import { type FakeScript, fakeScheduler } from '@gofer/scheduler-fake';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anyGraph } from '../domain/graph.arbitrary.ts';
import { openDatabase } from '../storage/database.ts';
import { Store } from '../storage/store.ts';
import { expectedStatuses, expectWellEnded } from './run-oracle.fixture.ts';
import { RunStage, type StageOptions, type TaskJson } from './run-stage.fixture.ts';

const SCRIPT: FakeScript = [
  { image: 'refused', refuse: { code: 'IMAGE_NOT_FOUND', message: 'there is no such image' } },
  { image: 'slow-start', start_delay_ms: 2, progress: ['pulling'] },
  { image: 'told-late', end_told: { after_ms: 2 } },
];
const scheduler: StageOptions['scheduler'] = (host) => fakeScheduler.create({ script: SCRIPT }, host);
const REQUIRED = { any: 'Any', success: 'Success', failure: 'Failure' } as const;
const LINES = 5;

interface Plan {
  readonly tasks: readonly TaskJson[];
  readonly ends: Readonly<Record<string, 'successful' | 'failed'>>;
}

const ending = fc.constantFrom('ok', 'ok', 'ok', 'exit 3', 'refused', 'lost');
const behaviour = fc.record({ ending, image: fc.constantFrom('any', 'slow-start', 'told-late'), sleepMs: fc.nat(3) });

/** Any graph whose tasks end as the plan says, each after having printed `LINES` lines. */
const anyPlan: fc.Arbitrary<Plan> = anyGraph.chain((graph) =>
  fc.array(behaviour, { minLength: graph.length, maxLength: graph.length }).map((behaviours): Plan => {
    const tasks = graph.map(({ id, dependsOn }, index): TaskJson => {
      const { ending: end, image, sleepMs } = behaviours[index] ?? { ending: 'ok', image: 'any', sleepMs: 0 };
      const last = end === 'lost' ? { lose: 'gone' } : { exit: end === 'exit 3' ? 3 : 0 };
      return {
        id,
        image: end === 'refused' ? 'refused' : image,
        depends_on: Object.fromEntries(Object.entries(dependsOn).map(([parent, status]) => [parent, REQUIRED[status]])),
        steps: [{ lines: LINES }, ...(sleepMs > 0 ? [{ sleep_ms: sleepMs }] : []), last],
      };
    });
    const ends = Object.fromEntries(
      graph.map(({ id }, index) => [id, behaviours[index]?.ending === 'ok' ? 'successful' : 'failed'] as const),
    );
    return { tasks, ends };
  }),
);

async function expectWholeLogs(stage: RunStage, runUid: string, plan: Plan): Promise<void> {
  for (const attempt of stage.store.attempts.listOfRun(runUid)) {
    const task = plan.tasks.find(({ id }) => id === attempt.taskId);
    const text = await stage.logText(attempt.uid);
    if (task?.image === 'refused') expect(text).toBe('there is no such image\n');
    else expect(text).toBe(Array.from({ length: LINES }, (_, line) => `line ${line + 1}\n`).join(''));
    expect(attempt.log?.complete).toBe(true);
  }
}

let number = 0;
const nextId = (): string => `plan-${(number += 1)}`;

describe('any run', () => {
  let stage: RunStage;
  beforeAll(async () => {
    stage = await RunStage.open({ scheduler, limits: { runningTasks: 3, globalRuns: 2 } });
  });
  afterAll(() => stage.close());

  it('ends as its graph and its tasks say, and leaves nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyPlan, { minLength: 1, maxLength: 3 }), async (plans) => {
        const runs = await Promise.all(
          plans.map(async (plan) => ({ plan, run: await stage.submit(await stage.pipeline(nextId(), plan.tasks)) })),
        );
        for (const { plan, run } of runs) {
          await stage.ended(run.uid);
          expectWellEnded(stage, run.uid, plan.tasks);
          expect(stage.statuses(run.uid)).toEqual(expectedStatuses(plan.tasks, (id) => plan.ends[id] ?? 'failed'));
          await expectWholeLogs(stage, run.uid, plan);
        }
        await expectIdle(stage);
      }),
      { numRuns: 40 },
    );
  });

  it('ends well, whatever is cancelled at whatever time', async () => {
    expect.hasAssertions();
    const cancel = fc.record({ after: fc.nat(12), task: fc.option(fc.nat(19), { freq: 3 }), graceMs: fc.constantFrom(0, 1, 50) });
    await fc.assert(
      fc.asyncProperty(anyPlan, fc.array(cancel, { minLength: 1, maxLength: 4 }), async (plan, cancels) => {
        const run = await stage.submit(await stage.pipeline(nextId(), plan.tasks));
        let changes = 0;
        const act = (): void => {
          for (const { after, task, graceMs } of cancels) {
            if (after !== changes) continue;
            const taskId = plan.tasks[task ?? -1]?.id;
            if (taskId !== undefined) void stage.cancelTask(run.uid, taskId, graceMs).catch(() => undefined);
            else if (task === null) stage.cancelRun(run.uid, graceMs);
          }
          changes += 1;
        };
        const forget = stage.orchestrator.onChange(run.uid, act);
        act();
        await stage.ended(run.uid);
        forget();
        expectWellEnded(stage, run.uid, plan.tasks);
        await expectIdle(stage);
      }),
      { numRuns: 80 },
    );
  });
});

/** Takes no commit after so many, as a server that died. */
class MortalStore extends Store {
  left = Number.POSITIVE_INFINITY;
  died: () => void = () => {};

  override commit<T>(work: () => T): Promise<T> {
    if (this.left <= 0) {
      this.died();
      return Promise.reject(new GoferError('UNAVAILABLE', 'the server is dead'));
    }
    this.left -= 1;
    return super.commit(work);
  }
}

async function openMortal(): Promise<{ stage: RunStage; current: () => MortalStore }> {
  let store: MortalStore | undefined;
  const stage = await RunStage.open({
    scheduler,
    limits: { runningTasks: 2, globalRuns: 2 },
    openStore: (path) => {
      store = new MortalStore(openDatabase(path));
      return store;
    },
  });
  const current = (): MortalStore => {
    if (store === undefined) throw new Error('no store');
    return store;
  };
  return { stage, current };
}

describe('recovery', () => {
  it('ends every run as if the server had never gone, wherever it went', async () => {
    const { stage, current } = await openMortal();
    const cancelAt = fc.option(fc.nat(8), { freq: 2 });
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyPlan, { minLength: 1, maxLength: 3 }),
          fc.array(fc.nat(12), { minLength: 1, maxLength: 4 }),
          cancelAt,
          async (plans, deaths, cancelled) => {
            const runs = await Promise.all(
              plans.map(async (plan) => ({ plan, run: await stage.submit(await stage.pipeline(nextId(), plan.tasks)) })),
            );
            const [first] = runs;
            if (cancelled !== null && first !== undefined) cancelAtChange(stage, first.run.uid, cancelled);
            for (const commits of deaths) {
              const store = current();
              const { promise, resolve } = Promise.withResolvers<void>();
              const { orchestrator } = stage;
              store.died = () => {
                void orchestrator.close();
                resolve();
              };
              store.left = commits;
              await Promise.race([promise, Promise.all(runs.map(({ run }) => stage.ended(run.uid)))]);
              await stage.leave();
              await stage.enter();
            }
            for (const { plan, run } of runs) {
              await stage.ended(run.uid);
              expectWellEnded(stage, run.uid, plan.tasks);
              if (stage.run(run.uid).cancellation !== undefined) continue;
              expect(stage.statuses(run.uid)).toEqual(expectedStatuses(plan.tasks, (id) => plan.ends[id] ?? 'failed'));
              await expectWholeLogs(stage, run.uid, plan);
            }
            await expectIdle(stage);
          },
        ),
        { numRuns: 60 },
      );
    } finally {
      await stage.close();
    }
  });
});

function cancelAtChange(stage: RunStage, runUid: string, at: number): void {
  let changes = 0;
  const { orchestrator } = stage;
  const forget = orchestrator.onChange(runUid, () => {
    changes += 1;
    if (changes < at) return;
    forget();
    stage.cancelRun(runUid, 20);
  });
}

async function expectIdle(stage: RunStage): Promise<void> {
  await stage.orchestrator.removalsDone();
  expect(stage.orchestrator.load).toEqual({ runs: 0, tasks: 0 });
  expect(stage.orchestrator.activeRuns).toBe(0);
  expect(await stage.scheduler.list({ instance: stage.store.system.instanceId })).toEqual([]);
}
