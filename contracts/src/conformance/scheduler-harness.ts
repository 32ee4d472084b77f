/** What the scheduler's suite needs of whoever runs it. */
import type { PluginHost, PluginInstance } from '../plugin.ts';
import type { Scheduler, SchedulerCapabilities } from '../scheduler.ts';
import type { TaskCommand, TaskProgram } from './task-program.ts';
import type { Harness } from './trial.ts';

export interface SchedulerHarness extends Harness {
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
  /**
   * A command that asks for this URL with GET, prints the body of the answer and nothing else, and exits with 0. Absent where tasks can
   * have no network, or no program for it.
   */
  readonly reach?: (url: string) => TaskCommand;
  /** An image that exists nowhere. Default: `gofer-conformance.invalid/none:0`. Used with the capability `images`. */
  readonly missingImage?: string;
  /** A command that cannot be executed. Default: a path that does not exist, as the entrypoint. */
  readonly unexecutable?: TaskCommand;
  /** How many attempts are started at once. Default: 8. */
  readonly crowd?: number;
  /** The shortest grace and the shortest sleep that the back end and its programs tell from none, milliseconds. Default: 1,000. */
  readonly tickMs?: number;
}

export const DEFAULT_TICK_MS = 1000;
