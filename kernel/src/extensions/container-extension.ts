import { codeOf, type LogChunk, type Scheduler, type TaskExit, type TaskHandle } from '@gofer/contracts';
import type { Clock } from '../clock/clock.ts';
import type { ExtensionEnd, RunningExtension } from './extension-host.ts';
import { withPatience } from './scheduler-patience.ts';

/** An extension that runs as a scheduler's task. */
export class ContainerExtension implements RunningExtension {
  readonly url: string;
  readonly handle: TaskHandle;
  readonly ended: Promise<ExtensionEnd>;
  readonly #scheduler: Scheduler;
  readonly #clock: Clock;
  readonly #left = new AbortController();

  constructor({ scheduler, clock, handle, url }: { scheduler: Scheduler; clock: Clock; handle: TaskHandle; url: string }) {
    this.#scheduler = scheduler;
    this.#clock = clock;
    this.handle = handle;
    this.url = url;
    this.ended = this.#watch();
  }

  logs(after: string | undefined, signal: AbortSignal): AsyncIterable<LogChunk> {
    return this.#scheduler.logs(this.handle, after === undefined ? { follow: true } : { after, follow: true }, signal);
  }

  /** However long the scheduler cannot be reached; rejects with `CANCELLED` once it was left. */
  async stop(graceMs: number): Promise<void> {
    await this.#patiently(() => this.#scheduler.stop(this.handle, graceMs));
  }

  leave(): void {
    this.#left.abort();
  }

  async #watch(): Promise<ExtensionEnd> {
    try {
      return describeExit(await this.#patiently(() => this.#scheduler.wait(this.handle, this.#left.signal)));
    } catch (error) {
      // Nobody learns of its end from here any more.
      if (this.#left.signal.aborted) return await new Promise<never>(() => {});
      if (codeOf(error) === 'NOT_FOUND') return { reason: 'its container was removed' };
      return { reason: `the scheduler could not say how it ended: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  #patiently<T>(ask: () => Promise<T>): Promise<T> {
    return withPatience(ask, { clock: this.#clock, signal: this.#left.signal });
  }
}

function describeExit(exit: TaskExit): ExtensionEnd {
  if (exit.kind === 'lost') return { reason: `it was lost: ${exit.reason}` };
  const { exitCode, reason } = exit;
  return { exitCode, reason: `it ended with exit code ${exitCode}${reason === undefined ? '' : ` (${reason})`}` };
}
