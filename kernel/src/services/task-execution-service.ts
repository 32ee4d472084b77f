import { GoferError } from '@gofer/contracts';
import type { TaskExecution } from '@gofer/contracts/api';
import type { TaskDefinition } from '@gofer/contracts/pipeline';
import type { Actor } from '../domain/index.ts';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import type { AttemptRecord } from '../storage/attempts-table.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';
import type { TaskRecord } from '../storage/task-executions-table.ts';
import type { Lookup } from './lookup.ts';
import type { Page, RunPath, TaskExecutionService, TaskPath } from './services.ts';
import { toTaskExecution } from './wire.ts';

export class StoredTaskExecutionService implements TaskExecutionService {
  readonly #store: Store;
  readonly #lookup: Lookup;
  readonly #orchestrator: Orchestrator;
  readonly #now: () => number;

  constructor(store: Store, lookup: Lookup, orchestrator: Orchestrator, now: () => number) {
    this.#store = store;
    this.#now = now;
    this.#lookup = lookup;
    this.#orchestrator = orchestrator;
  }

  /** Every task of the run, by id, those that wait for their parents among them. */
  async list(path: RunPath, page: Page): Promise<TaskExecution[]> {
    const { pipeline, run } = this.#lookup.run(path);
    const { definition } = this.#orchestrator.configs.get(pipeline.uid, run.configVersion);
    const records = new Map(this.#store.taskExecutions.list(run.uid).map((record) => [record.taskId, record]));
    const attempts = Map.groupBy(this.#store.attempts.listOfRun(run.uid), (attempt) => attempt.taskId);
    const tasks = [...definition.tasks].sort((a, b) => (a.id < b.id ? -1 : 1));
    const offset = page.offset ?? 0;
    const wanted = tasks.slice(offset, page.limit === undefined ? undefined : offset + page.limit);
    return wanted.map((task) => this.#toTaskExecution(pipeline, run, task, records.get(task.id), attempts.get(task.id) ?? []));
  }

  async get(path: TaskPath): Promise<TaskExecution> {
    const { pipeline, run, task } = this.#lookup.task(path);
    return this.#toTaskExecution(
      pipeline,
      run,
      task,
      this.#store.taskExecutions.find(run.uid, task.id),
      this.#store.attempts.listOfTask(run.uid, task.id),
    );
  }

  async cancel(path: TaskPath, by: Actor, graceSeconds: number): Promise<void> {
    const { run, task } = this.#lookup.task(path);
    if (!Number.isFinite(graceSeconds) || graceSeconds < 0)
      throw new GoferError('INVALID_ARGUMENT', 'wait_for must be a number of seconds, 0 or more.');
    const graceMs = graceSeconds * 1000;
    const cancellation = { cause: 'task_cancelled', description: `cancelled by ${by.user}`, by, at: this.#now() } as const;
    // On the disk before it is answered: a server that dies now carries it out when it is back.
    await this.#store.commitAudited(() => this.#store.taskExecutions.requestCancel(run.uid, task.id, cancellation, graceMs));
    await this.#orchestrator.cancelTask(run.uid, task.id, cancellation, graceMs);
  }

  #toTaskExecution(
    pipeline: PipelineRecord,
    run: RunRecord,
    task: TaskDefinition,
    record: TaskRecord | undefined,
    attempts: readonly AttemptRecord[],
  ): TaskExecution {
    const waiting = record?.state === 'complete' || run.state === 'complete' ? undefined : this.#orchestrator.taskWaiting(run, task.id);
    return toTaskExecution(pipeline, run, task, record, attempts, waiting);
  }
}
