/**
 * What the database says after each commit, against what it said before: what has ended stays as it is, what runs is within the limits,
 * and nothing begins before what it waits for has ended.
 */

import type { AttemptRecord } from '../../kernel/src/storage/attempts-table.ts';
import type { RunRecord } from '../../kernel/src/storage/runs-table.ts';
import type { Store } from '../../kernel/src/storage/store.ts';
import type { TaskRecord } from '../../kernel/src/storage/task-executions-table.ts';

export interface RunView {
  readonly run: RunRecord;
  readonly tasks: ReadonlyMap<string, TaskRecord>;
  /** By uid, in the order of their task ids and numbers. */
  readonly attempts: ReadonlyMap<string, AttemptRecord>;
}

/** What may still change in an attempt that has ended: the engine has nothing more of it, what it said too late. */
const toFinalAttempt = (attempt: AttemptRecord): string => JSON.stringify({ ...attempt, removed: false, late: null, given: null });

export class Journal {
  readonly #violated: (what: string) => void;
  readonly #changed: (before: RunView | undefined, now: RunView) => void;
  readonly #runs = new Map<string, RunView>();
  /** Of everything that has ended, what it ended as. */
  readonly #final = new Map<string, string>();

  /** `changed` is told what there was of a run before, and what there is now. */
  constructor(violated: (what: string) => void, changed: (before: RunView | undefined, now: RunView) => void) {
    this.#violated = violated;
    this.#changed = changed;
  }

  get runs(): readonly RunView[] {
    return [...this.#runs.values()];
  }

  view(runUid: string): RunView | undefined {
    return this.#runs.get(runUid);
  }

  /** Of the runs that had not ended yet, and of those that are new; `everything`: of all. */
  read(store: Store, runUids: Iterable<string>, everything = false): void {
    for (const uid of runUids) {
      const known = this.#runs.get(uid);
      if (known?.run.state === 'complete' && !everything) continue;
      const run = store.runs.byUid(uid);
      if (run === undefined) {
        if (known !== undefined) this.#violated('a run has vanished');
        continue;
      }
      const tasks = new Map(store.taskExecutions.list(uid).map((task) => [task.taskId, task]));
      const attempts = new Map(store.attempts.listOfRun(uid).map((attempt) => [attempt.uid, attempt]));
      const view = { run, tasks, attempts };
      this.#runs.set(uid, view);
      this.#changed(known, view);
      if (run.state === 'complete') this.#settle(`run ${run.runId}`, uid, JSON.stringify(run));
      for (const task of tasks.values())
        if (task.state === 'complete') this.#settle(`task ${task.taskId}`, `${uid} ${task.taskId}`, JSON.stringify(task));
      for (const attempt of attempts.values())
        if (attempt.state === 'complete')
          this.#settle(`attempt ${attempt.number} of ${attempt.taskId}`, attempt.uid, toFinalAttempt(attempt));
    }
  }

  #settle(what: string, key: string, end: string): void {
    const earlier = this.#final.get(key);
    if (earlier === undefined) this.#final.set(key, end);
    else if (earlier !== end) this.#violated(`${what} had ended as ${earlier} and became ${end}`);
  }
}
