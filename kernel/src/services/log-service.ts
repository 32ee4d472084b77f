import { codeOf, GoferError } from '@gofer/contracts';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import type { AttemptRecord } from '../storage/attempts-table.ts';
import type { Store } from '../storage/store.ts';
import type { LogBatch, LogStat, LogStore } from '../workers/logs/log-store.ts';
import type { Lookup } from './lookup.ts';
import type { LogService, TaskPath } from './services.ts';

/** What a path named when it was looked up; the path may name something else later. */
interface Task {
  readonly runUid: string;
  readonly taskId: string;
}

export class StoredLogService implements LogService {
  readonly #store: Store;
  readonly #lookup: Lookup;
  readonly #orchestrator: Orchestrator;
  readonly #logs: LogStore;

  constructor(parts: { store: Store; lookup: Lookup; orchestrator: Orchestrator; logs: LogStore }) {
    this.#store = parts.store;
    this.#lookup = parts.lookup;
    this.#orchestrator = parts.orchestrator;
    this.#logs = parts.logs;
  }

  async stat(path: TaskPath): Promise<LogStat> {
    return this.#logs.stat(this.#readable(path, this.#latest(this.#find(path))).uid);
  }

  async read(
    path: TaskPath,
    request: { after?: string; follow: boolean; format: 'lines' | 'json'; signal: AbortSignal },
  ): Promise<AsyncIterable<LogBatch>> {
    const task = this.#find(path);
    const attempt = this.#latest(task);
    if (!request.follow || !this.#isActive(task)) this.#readable(path, attempt);
    if (request.after !== undefined && attempt !== undefined && (await this.#hasLog(attempt)))
      await this.#checkCursor(attempt, request.after);
    return this.#follow(path, task, request);
  }

  async raw(path: TaskPath, range?: { start: number; end?: number }) {
    const attempt = this.#readable(path, this.#latest(this.#find(path)));
    const stat = await this.#logs.stat(attempt.uid);
    const size = stat.bytes;
    const start = range?.start ?? 0;
    const end = Math.min(range?.end ?? size - 1, size - 1);
    const { stream } = await this.#logs.raw(attempt.uid, { start, ...(end >= start ? { end } : {}) });
    return { size, start, end, complete: stat.seal?.complete === true, stream };
  }

  async delete(path: TaskPath): Promise<void> {
    const { runUid, taskId } = this.#find(path);
    const record = this.#store.taskExecutions.find(runUid, taskId);
    if (record?.state !== 'complete') {
      throw new GoferError('FAILED_PRECONDITION', `Task '${taskId}' has not ended: its log can be removed once it has.`);
    }
    const attempts = this.#store.attempts.listOfTask(runUid, taskId);
    await this.#store.commitAudited(() => {
      for (const attempt of attempts) this.#store.attempts.markLogsRemoved(attempt.uid);
    });
    for (const attempt of attempts) await this.#logs.delete(attempt.uid);
  }

  /** Waits for the task's first attempt where there is none yet, then reads. */
  async *#follow(
    path: TaskPath,
    task: Task,
    request: { after?: string; follow: boolean; format: 'lines' | 'json'; signal: AbortSignal },
  ): AsyncIterable<LogBatch> {
    const attempt = await this.#attempt(path, task, request);
    if (attempt === undefined) return;
    const { follow, format, signal } = request;
    const from = request.after === undefined ? {} : { from: { cursor: request.after } };
    yield* this.#logs.read(attempt.uid, { ...from, follow, format, signal });
  }

  /** Undefined for a task that ended without ever having been started, and where nobody wants to wait for one that was not. */
  async #attempt(
    path: TaskPath,
    task: Task,
    { follow, signal }: { follow: boolean; signal: AbortSignal },
  ): Promise<AttemptRecord | undefined> {
    for (;;) {
      let changed = (): void => {};
      const change = new Promise<void>((resolve) => {
        changed = resolve;
      });
      const forget = this.#orchestrator.onChange(task.runUid, changed);
      signal.addEventListener('abort', changed);
      try {
        signal.throwIfAborted();
        const active = this.#isActive(task);
        const attempt = this.#latest(task);
        if (attempt !== undefined && (!active || (await this.#hasLog(attempt)))) return this.#readable(path, attempt);
        if (!active || !follow) return undefined;
        await change;
      } finally {
        forget();
        signal.removeEventListener('abort', changed);
      }
    }
  }

  /** Rejects with `INVALID_ARGUMENT`, so that the caller hears of a strange cursor in the answer and not in the middle of a stream. */
  async #checkCursor(attempt: AttemptRecord, cursor: string): Promise<void> {
    const signal = new AbortController().signal;
    const batches = this.#logs.read(attempt.uid, { from: { cursor }, follow: false, format: 'lines', signal });
    for await (const _ of batches) break;
  }

  async #hasLog(attempt: AttemptRecord): Promise<boolean> {
    try {
      await this.#logs.stat(attempt.uid);
      return true;
    } catch (error) {
      if (codeOf(error) === 'NOT_FOUND') return false;
      throw error;
    }
  }

  #find(path: TaskPath): Task {
    const { run, task } = this.#lookup.task(path);
    return { runUid: run.uid, taskId: task.id };
  }

  #isActive({ runUid, taskId }: Task): boolean {
    return this.#store.taskExecutions.find(runUid, taskId)?.state !== 'complete' && this.#orchestrator.isActive(runUid);
  }

  #latest({ runUid, taskId }: Task): AttemptRecord | undefined {
    return this.#store.attempts.listOfTask(runUid, taskId).at(-1);
  }

  #whyNone(path: TaskPath): string {
    const { runUid, taskId } = this.#find(path);
    const from = this.#store.taskExecutions.find(runUid, taskId)?.takenFrom;
    if (from === undefined) return 'it was never started.';
    return `its result was taken over from run ${from}, which has the log: gofer task logs ${path.pipelineId} ${from} ${taskId}`;
  }

  #readable(path: TaskPath, attempt: AttemptRecord | undefined): AttemptRecord {
    const name = `task '${path.taskId}' of run ${path.runId} of pipeline '${path.pipelineId}'`;
    if (attempt === undefined) throw new GoferError('NOT_FOUND', `There is no log of ${name}: ${this.#whyNone(path)}`);
    if (attempt.logsExpired) throw new GoferError('GONE', `The log of ${name} has expired (api.task_execution_log_expiry).`);
    if (attempt.logsRemoved) throw new GoferError('GONE', `The log of ${name} was removed.`);
    return attempt;
  }
}
