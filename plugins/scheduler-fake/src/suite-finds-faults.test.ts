/** The conformance suite held to its own promise: it finds each fault, at the law that speaks of it. */

import type { LawResult, SchedulerHarness, SchedulerLaw } from '@gofer/contracts/conformance';
import { checkScheduler, SCHEDULER_LAWS } from '@gofer/contracts/conformance';
import { describe, expect, it } from 'vitest';
import { BROKEN_ENDS } from './broken/broken-ends.ts';
import { BROKEN_HOST_ACCESS } from './broken/broken-host-access.ts';
import { BROKEN_LIVES } from './broken/broken-lives.ts';
import { BROKEN_LOGS } from './broken/broken-logs.ts';
import type { BrokenScheduler } from './broken/broken-scheduler.ts';
import { BROKEN_STARTS } from './broken/broken-starts.ts';
import { fakeHarness } from './fake-harness.ts';
import { INLINE_STEPS } from './fake-script.ts';

const BROKEN_SCHEDULERS = [...BROKEN_STARTS, ...BROKEN_ENDS, ...BROKEN_LOGS, ...BROKEN_HOST_ACCESS, ...BROKEN_LIVES];

/** How long a law waits here for what a broken scheduler never does. */
const PATIENCE_MS = 1200;

function brokenHarness(broken: BrokenScheduler): SchedulerHarness {
  const sound = fakeHarness(broken.fault, broken.lacks, broken.script);
  return {
    ...sound,
    capabilities: broken.fails.includes('capabilities: are') ? sound.capabilities : { ...sound.capabilities, ...broken.declares },
    crowd: 4,
    timeoutMs: PATIENCE_MS,
    async create(host) {
      const scheduler = await sound.create(host);
      return {
        capabilities: { ...scheduler.capabilities, ...broken.declares },
        start: (...args) => scheduler.start(...args),
        wait: (...args) => scheduler.wait(...args),
        stop: (...args) => scheduler.stop(...args),
        remove: (...args) => scheduler.remove(...args),
        inspect: (...args) => scheduler.inspect(...args),
        logs: (...args) => scheduler.logs(...args),
        exec: (...args) => scheduler.exec(...args),
        list: (...args) => scheduler.list(...args),
        hostAccess: () => scheduler.hostAccess(),
        health: () => scheduler.health(),
        close: () => scheduler.close(),
        ...broken.breaks(scheduler, host),
      };
    },
  };
}

const lawNamed = (beginning: string): SchedulerLaw => {
  const laws = SCHEDULER_LAWS.filter((law) => law.name.startsWith(beginning));
  const [law] = laws;
  if (law === undefined || laws.length !== 1) throw new Error(`"${beginning}" must be the beginning of one law; it is of ${laws.length}`);
  return law;
};

/** The outcome of one law; what the end of the trial finds beside it is not asked for. */
async function outcome(harness: SchedulerHarness, law: SchedulerLaw): Promise<LawResult> {
  const results = checkScheduler(harness, { hostings: ['directly'], laws: [law] });
  const first = await results.next();
  await results.return(undefined).catch(() => undefined);
  if (first.done === true) throw new Error('the law was not checked');
  return first.value;
}

describe('the scheduler suite', () => {
  describe.concurrent.each(BROKEN_SCHEDULERS)('finds a scheduler that $fault', (broken) => {
    it.each(broken.fails)('by the law "%s …"', async (beginning) => {
      const { broken: found } = await outcome(brokenHarness(broken), lawNamed(beginning));
      expect(found).toBeInstanceOf(Error);
    });
  });

  it('can fail each of its laws', () => {
    const failed = BROKEN_SCHEDULERS.flatMap((broken) => broken.fails);
    expect(SCHEDULER_LAWS.map((law) => law.name).filter((name) => !failed.some((beginning) => name.startsWith(beginning)))).toEqual([]);
  });

  it('passes a fake whose starts take their time', async () => {
    const slow = fakeHarness('slow', {}, [
      { image: 'fake', command: `${INLINE_STEPS} *`, progress: ['pulling 10 %', 'pulling 90 %'], start_delay_ms: 20 },
    ]);
    const laws = SCHEDULER_LAWS.filter(
      (law) => law.name.startsWith('start: ') && (law.when?.({ ...slow.capabilities, reaches: true }) ?? true),
    );
    const broken: LawResult[] = [];
    for await (const result of checkScheduler({ ...slow, crowd: 20 }, { laws })) if (result.broken !== undefined) broken.push(result);
    expect(broken).toEqual([]);
  });
});
