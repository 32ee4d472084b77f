/** What every conformance suite does with its laws, whatever the contract: a stage that most of them share, a time limit, a sweep behind each. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LawBroken } from './assertions.ts';
import { HOSTINGS, type Hosting, type Law } from './law.ts';

/**
 * The part of a test runner that a suite uses. vitest: `{ describe, it, before: beforeAll, after: afterAll }`; node:test: its module.
 */
export interface SuiteRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>, timeoutMs: number): unknown;
  before(body: () => Promise<void>, timeoutMs: number): unknown;
  after(body: () => Promise<void>, timeoutMs: number): unknown;
}

/** What every suite needs of whoever runs it. */
export interface Harness {
  /** The plugin's name, for the tests' titles. */
  readonly name: string;
  /** The longest that one law may take, milliseconds. Default: 60,000. */
  readonly timeoutMs?: number;
  /** How it is hosted while it is held to the laws. Default: both ways, one after the other. */
  readonly hostings?: readonly Hosting[];
  /** Runs after everything, with every data directory that the suite has used (they are removed behind it). */
  readonly cleanUp?: (dataDirectories: readonly string[]) => Promise<void>;
}

export interface Stage {
  /** Removes what a law has left. */
  sweep(): Promise<void>;
  /** Throws `LawBroken` where something is left after everything was removed. */
  assertEmpty(): Promise<void>;
  close(): Promise<void>;
}

export interface LawResult {
  readonly law: string;
  readonly hosting: Hosting;
  /** Absent: the law is kept. */
  readonly broken?: Error;
}

/** A contract's suite for one plugin. */
export interface Suite<OwnStage extends Stage, Capabilities> {
  /** The contract, for the tests' titles. */
  readonly contract: string;
  readonly harness: Harness;
  readonly capabilities: Capabilities;
  readonly laws: readonly Law<OwnStage, Capabilities>[];
  openStage(hosting: Hosting, dataDirectory: string): Promise<OwnStage>;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** Declares a suite's tests with a test runner, for each way of hosting. */
export function declareSuite<OwnStage extends Stage, Capabilities>(runner: SuiteRunner, suite: Suite<OwnStage, Capabilities>): void {
  const timeout = suite.harness.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  for (const hosting of suite.harness.hostings ?? HOSTINGS) {
    runner.describe(`${suite.contract} ${suite.harness.name}, ${hosting}`, () => {
      const trial = new Trial(suite, hosting);
      runner.before(() => trial.open(), timeout);
      runner.after(() => trial.close(), timeout);
      // The runner's own limit only backs up the law's, which says what was waited for.
      for (const law of lawsFor(suite)) runner.it(law.name, () => trial.check(law), timeout * 2);
    });
  }
}

/** Holds a plugin to its laws without a test runner and yields what came of each. */
export async function* checkSuite<OwnStage extends Stage, Capabilities>(
  suite: Suite<OwnStage, Capabilities>,
  options: { readonly hostings?: readonly Hosting[]; readonly laws?: readonly Law<OwnStage, Capabilities>[] } = {},
): AsyncGenerator<LawResult> {
  for (const hosting of options.hostings ?? suite.harness.hostings ?? HOSTINGS) {
    const trial = new Trial(suite, hosting);
    await trial.open();
    try {
      for (const law of options.laws ?? lawsFor(suite)) {
        const broken = await trial.check(law).then(
          () => undefined,
          (error: unknown) => (error instanceof Error ? error : new LawBroken(String(error))),
        );
        yield { law: law.name, hosting, ...(broken === undefined ? {} : { broken }) };
      }
    } finally {
      await trial.close();
    }
  }
}

function lawsFor<OwnStage extends Stage, Capabilities>(suite: Suite<OwnStage, Capabilities>): readonly Law<OwnStage, Capabilities>[] {
  return suite.laws.filter((law) => law.when?.(suite.capabilities) ?? true);
}

/** One hosting's pass: a stage that most laws share, and those of the laws that need their own. */
class Trial<OwnStage extends Stage, Capabilities> {
  readonly #suite: Suite<OwnStage, Capabilities>;
  readonly #hosting: Hosting;
  readonly #dataDirectories: string[] = [];
  #shared: OwnStage | undefined;

  constructor(suite: Suite<OwnStage, Capabilities>, hosting: Hosting) {
    this.#suite = suite;
    this.#hosting = hosting;
  }

  async open(): Promise<void> {
    this.#shared = await this.#stage();
  }

  async check(law: Law<OwnStage, Capabilities>): Promise<void> {
    const stage = law.alone === true ? await this.#stage() : this.#shared;
    if (stage === undefined) throw new LawBroken('the plugin could not be created');
    try {
      await within(law.check(stage), this.#suite.harness.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    } finally {
      await stage.sweep();
      if (law.alone === true) await stage.close();
    }
  }

  async close(): Promise<void> {
    const stage = this.#shared;
    try {
      await stage?.assertEmpty();
    } finally {
      try {
        await stage?.close();
        await this.#suite.harness.cleanUp?.(this.#dataDirectories);
      } finally {
        for (const directory of this.#dataDirectories) await rm(directory, { recursive: true, force: true });
      }
    }
  }

  async #stage(): Promise<OwnStage> {
    // Known before anything can fail, so that it is removed whatever does.
    const dataDirectory = await mkdtemp(join(tmpdir(), 'gofer-suite-'));
    this.#dataDirectories.push(dataDirectory);
    return this.#suite.openStage(this.#hosting, dataDirectory);
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
