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

import type { Hosting } from './law.ts';
import { endLaws } from './scheduler-end-laws.ts';
import { execLaws } from './scheduler-exec-laws.ts';
import type { SchedulerHarness } from './scheduler-harness.ts';
import { hostLaws } from './scheduler-host-laws.ts';
import type { SchedulerLaw, SchedulerTraits } from './scheduler-law.ts';
import { lifeLaws } from './scheduler-life-laws.ts';
import { logLaws } from './scheduler-log-laws.ts';
import { SchedulerStage } from './scheduler-stage.ts';
import { startLaws } from './scheduler-start-laws.ts';
import { checkSuite, declareSuite, type LawResult, type Suite, type SuiteRunner } from './trial.ts';

/** Every law, in the order in which they are checked. */
export const SCHEDULER_LAWS: readonly SchedulerLaw[] = [...startLaws, ...endLaws, ...logLaws, ...execLaws, ...hostLaws, ...lifeLaws];

/** Declares the suite's tests with a test runner. */
export function schedulerSuite(runner: SuiteRunner, harness: SchedulerHarness): void {
  declareSuite(runner, suiteOf(harness));
}

/** Holds a plugin to the laws (default: all of them, hosted both ways) and yields what came of each. */
export function checkScheduler(
  harness: SchedulerHarness,
  options: { readonly hostings?: readonly Hosting[]; readonly laws?: readonly SchedulerLaw[] } = {},
): AsyncGenerator<LawResult> {
  return checkSuite(suiteOf(harness), options);
}

function suiteOf(harness: SchedulerHarness): Suite<SchedulerStage, SchedulerTraits> {
  return {
    contract: 'scheduler',
    harness,
    capabilities: { ...harness.capabilities, reaches: harness.reach !== undefined },
    laws: SCHEDULER_LAWS,
    openStage: (hosting, dataDirectory) => SchedulerStage.open(harness, hosting, dataDirectory),
  };
}
