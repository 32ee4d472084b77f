/** The limits of a run itself: of its wait in the queue, then of all of it. One of them is watched at a time. */
import { timeLeft } from '../clock/clock.ts';
import type { RunCancellation, RunChange } from '../domain/index.ts';
import type { RunContext } from './run-context.ts';
import type { RunMessage } from './run-message.ts';
import type { RunSubject } from './run-subject.ts';

export class RunLimits {
  readonly #subject: RunSubject;
  readonly #context: RunContext;
  readonly #post: (message: RunMessage) => void;
  #forget = (): void => {};

  constructor(subject: RunSubject, context: RunContext, post: (message: RunMessage) => void) {
    this.#subject = subject;
    this.#context = context;
    this.#post = post;
  }

  /** `since`: epoch milliseconds. Takes the place of the limit that was watched before. */
  watch(limit: 'timeout' | 'start_timeout', since: number): void {
    const { timeout, startTimeout } = this.#subject.pipelineDefinition;
    const seconds = limit === 'timeout' ? timeout : startTimeout;
    this.forget();
    if (seconds === undefined) return;
    const { clock } = this.#context;
    const left = timeLeft(clock, since + seconds * 1000, seconds * 1000);
    this.#forget = clock.after(left, () => this.#post({ kind: 'run-overdue', limit }));
  }

  forget(): void {
    this.#forget();
  }

  /** How a run ends that was queued for too long. */
  get queuedTooLong(): RunChange {
    const description = `it had not begun within the start_timeout of its pipeline, ${this.#subject.pipelineDefinition.startTimeout} s`;
    const at = this.#context.clock.now();
    return { kind: 'failed', reason: 'failed_precondition', cause: 'start_timeout', description, at };
  }

  /** How a run is ended that takes too long. */
  get tookTooLong(): RunCancellation {
    const { clock, stopGraceMs } = this.#context;
    const description = `it took longer than the timeout of its pipeline, ${this.#subject.pipelineDefinition.timeout} s`;
    return { cause: 'timeout', reason: 'admin_cancelled', description, at: clock.now(), graceMs: stopGraceMs, force: false };
  }
}
