/**
 * The conformance suite of the scheduler contract: every "must" of `scheduler.ts` and `plugin.ts` as a law. Each plugin is held to
 * each law twice, directly and behind a `MessageChannel`. A test file cannot switch a law off: it declares capabilities, and what is
 * declared absent has laws too.
 *
 *     import { afterAll, beforeAll, describe, it } from 'vitest';
 *     import { schedulerSuite } from '@gofer/contracts/conformance';
 *
 *     schedulerSuite({ describe, it, before: beforeAll, after: afterAll }, {
 *       name: 'docker',
 *       capabilities: { exec: true, endpoints: true, streams: true, replay: true, images: true, isolation: true },
 *       image: 'gofer-test/busybox:latest',
 *       create: (host) => dockerScheduler.create(config, host),
 *     });
 *
 * With node:test: `import * as runner from 'node:test'` and pass `runner`. A back end without `/bin/sh` passes `express`, which
 * translates a `TaskProgram`. What else can be told to the suite is in `SchedulerHarness`. `checkScheduler` does the same without a
 * test runner and reports each law.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertEqual, LawBroken } from './assertions.ts';
import { endLaws } from './scheduler-end-laws.ts';
import { execLaws } from './scheduler-exec-laws.ts';
import type { SchedulerHarness, SuiteRunner } from './scheduler-harness.ts';
import { DEFAULT_TIMEOUT_MS } from './scheduler-harness.ts';
import type { SchedulerLaw } from './scheduler-law.ts';
import { lifeLaws } from './scheduler-life-laws.ts';
import { logLaws } from './scheduler-log-laws.ts';
import type { Hosting } from './scheduler-stage.ts';
import { SchedulerStage } from './scheduler-stage.ts';
import { startLaws } from './scheduler-start-laws.ts';

const HOSTINGS: readonly Hosting[] = ['directly', 'behind a port'];

/** Every law, in the order in which they are checked. */
export const SCHEDULER_LAWS: readonly SchedulerLaw[] = [...startLaws, ...endLaws, ...logLaws, ...execLaws, ...lifeLaws];

/** Declares the suite's tests with a test runner. */
export function schedulerSuite(runner: SuiteRunner, harness: SchedulerHarness): void {
  const timeout = harness.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  for (const hosting of HOSTINGS) {
    runner.describe(`scheduler ${harness.name}, ${hosting}`, () => {
      const trial = new Trial(harness, hosting);
      runner.before(() => trial.open(), timeout);
      runner.after(() => trial.close(), timeout);
      // The runner's own limit only backs up the law's, which says what was waited for.
      for (const law of lawsFor(harness)) runner.it(law.name, () => trial.check(law), timeout * 2);
    });
  }
}

export interface LawResult {
  readonly law: string;
  readonly hosting: Hosting;
  /** Absent: the law is kept. */
  readonly broken?: Error;
}

/** Holds a plugin to the laws (default: all of them, hosted both ways) and yields what came of each. */
export async function* checkScheduler(
  harness: SchedulerHarness,
  options: {
    readonly hostings?: readonly Hosting[];
    readonly laws?: readonly SchedulerLaw[];
  } = {},
): AsyncGenerator<LawResult> {
  for (const hosting of options.hostings ?? HOSTINGS) {
    const trial = new Trial(harness, hosting);
    await trial.open();
    try {
      for (const law of options.laws ?? lawsFor(harness)) {
        const broken = await trial.check(law).then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error : new LawBroken(String(error))),
        );
        yield {
          law: law.name,
          hosting,
          ...(broken === undefined ? {} : { broken }),
        };
      }
    } finally {
      await trial.close();
    }
  }
}

function lawsFor(harness: SchedulerHarness): readonly SchedulerLaw[] {
  return SCHEDULER_LAWS.filter((law) => law.when?.(harness.capabilities) ?? true);
}

/** One hosting's pass: a stage that most laws share, and those of the laws that need their own. */
class Trial {
  #harness: SchedulerHarness;
  #hosting: Hosting;
  #shared: SchedulerStage | undefined;
  #dataDirectories: string[] = [];

  constructor(harness: SchedulerHarness, hosting: Hosting) {
    this.#harness = harness;
    this.#hosting = hosting;
  }

  async open(): Promise<void> {
    this.#shared = await this.#stage();
  }

  async check(law: SchedulerLaw): Promise<void> {
    const stage = law.alone === true ? await this.#stage() : this.#shared;
    if (stage === undefined) throw new LawBroken('the plugin could not be created');
    try {
      await within(law.check(stage), this.#harness.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    } finally {
      await stage.sweep();
      if (law.alone === true) await stage.close();
    }
  }

  async close(): Promise<void> {
    const stage = this.#shared;
    try {
      if (stage !== undefined) assertEqual(await stage.listed(), [], 'attempts left after all were removed');
    } finally {
      try {
        await stage?.close();
        await this.#harness.cleanUp?.(this.#dataDirectories);
      } finally {
        for (const directory of this.#dataDirectories) await rm(directory, { recursive: true, force: true });
      }
    }
  }

  async #stage(): Promise<SchedulerStage> {
    // Known before anything can fail, so that it is removed whatever does.
    const dataDirectory = await mkdtemp(join(tmpdir(), 'gofer-suite-'));
    this.#dataDirectories.push(dataDirectory);
    return SchedulerStage.open(this.#harness, this.#hosting, dataDirectory);
  }
}

async function within(promise: Promise<void>, limitMs: number): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new LawBroken(`the law was not met within ${limitMs} ms`)), limitMs);
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
