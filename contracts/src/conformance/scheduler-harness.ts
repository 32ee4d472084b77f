/** What the scheduler's suite needs of whoever runs it. */
import type { PluginHost, PluginInstance } from '../plugin.ts';
import type { Scheduler, SchedulerCapabilities } from '../scheduler.ts';
import type { TaskCommand, TaskProgram } from './task-program.ts';

/**
 * The part of a test runner that a suite uses. vitest: `{ describe, it, before: beforeAll, after: afterAll }`; node:test: its module.
 */
export interface SuiteRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>, timeoutMs: number): unknown;
  before(body: () => Promise<void>, timeoutMs: number): unknown;
  after(body: () => Promise<void>, timeoutMs: number): unknown;
}

export interface SchedulerHarness {
  /** The plugin's name, for the tests' titles. */
  readonly name: string;
  /** What the plugin declares; the suite checks that it says the same and holds it to the laws of what is there and of what is not. */
  readonly capabilities: SchedulerCapabilities;
  /**
   * Must create an instance, ready for use. Called again with the same `host` after `close`, it must find the tasks of the first
   * instance, as after a restart of the server.
   */
  create(host: PluginHost): Promise<Scheduler & PluginInstance>;
  /** An image that is there without being pulled and can run what `express` says. */
  readonly image: string;
  /** Default: `shellProgram`. */
  readonly express?: (program: TaskProgram) => TaskCommand;
  /** An image that exists nowhere. Default: `gofer-conformance.invalid/none:0`. Used with the capability `images`. */
  readonly missingImage?: string;
  /** A command that cannot be executed. Default: a path that does not exist, as the entrypoint. */
  readonly unexecutable?: TaskCommand;
  /** How many attempts are started at once. Default: 8. */
  readonly crowd?: number;
  /** The shortest grace and the shortest sleep that the back end and its programs tell from none, milliseconds. Default: 1,000. */
  readonly tickMs?: number;
  /** The longest that one law may take, milliseconds. Default: 60,000. */
  readonly timeoutMs?: number;
  /** Runs after everything, with every data directory that the suite has used (they are removed behind it). */
  readonly cleanUp?: (dataDirectories: readonly string[]) => Promise<void>;
}

export const DEFAULT_TIMEOUT_MS = 60_000;
export const DEFAULT_TICK_MS = 1000;
