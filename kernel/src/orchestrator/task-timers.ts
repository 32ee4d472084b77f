/** The timers of a run's tasks: the limits of an attempt, and the pause before the next one. They tell the run's loop, and forget with the task. */
import { timeLeft } from '../clock/clock.ts';
import type { LiveAttempt, LiveTask } from './live-task.ts';
import type { RunContext } from './run-context.ts';
import type { RunMessage } from './run-message.ts';

export class TaskTimers {
  readonly #context: RunContext;
  readonly #post: (message: RunMessage) => void;

  constructor(context: RunContext, post: (message: RunMessage) => void) {
    this.#context = context;
    this.#post = post;
  }

  /** Its next attempt is due in so many milliseconds. */
  armRetry(live: LiveTask, ms: number): void {
    live.owner = 'retry';
    this.#arm(live, ms, { kind: 'retry', task: live.task });
  }

  /** From when it might have started. */
  armStartLimit(live: LiveTask): void {
    const { task, definition, readyAt } = live;
    if (definition.startTimeout === undefined) return;
    const total = definition.startTimeout * 1000;
    this.#arm(live, timeLeft(this.#context.clock, readyAt + total, total), { kind: 'overdue', limit: 'start_timeout', task, of: readyAt });
  }

  /** From when its container started. */
  armTimeout(live: LiveTask, attempt: LiveAttempt, startedAt: number): void {
    const { task, definition } = live;
    if (definition.timeout === undefined || live.attempt !== attempt) return;
    const total = definition.timeout * 1000;
    this.#arm(live, timeLeft(this.#context.clock, startedAt + total, total), { kind: 'overdue', limit: 'timeout', task, of: attempt.uid });
  }

  forget(live: LiveTask): void {
    for (const forget of live.timers) forget();
    live.timers.clear();
  }

  #arm(live: LiveTask, ms: number, message: RunMessage): void {
    live.timers.add(this.#context.clock.after(ms, () => this.#post(message)));
  }
}
