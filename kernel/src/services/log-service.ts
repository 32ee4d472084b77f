import { codeOf, GoferError } from '@gofer/contracts';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import type { AttemptRecord } from '../storage/attempts-table.ts';
import type { Store } from '../storage/store.ts';
import type { LineSelection } from '../workers/logs/line-selection.ts';
import { expressionFault } from '../workers/logs/line-selection.ts';
import type { LogBatch, LogStat, LogStore } from '../workers/logs/log-store.ts';
import type { Lookup } from './lookup.ts';
import type { LogEnd, LogRequest, LogService, TaskPath } from './services.ts';

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

  async stat(path: TaskPath, attempt?: number): Promise<LogStat> {
    return this.#logs.stat(this.#readable(path, this.#chosen(path, this.#find(path), attempt)).uid);
  }

  async read(path: TaskPath, request: LogRequest): Promise<AsyncIterable<LogBatch | LogEnd>> {
    assertSelection(request.select);
    const task = this.#find(path);
    const place = readCursor(request);
    const attempt = this.#chosen(path, task, place.attempt);
    if (!request.follow || !this.#isActive(task)) this.#readable(path, attempt);
    if (place.cursor !== undefined && attempt !== undefined && (await this.#hasLog(attempt)))
      await this.#checkCursor(attempt, place.cursor);
    return this.#follow(path, task, request, place);
  }

  async raw(path: TaskPath, range?: { start: number; end?: number }, number?: number) {
    const attempt = this.#readable(path, this.#chosen(path, this.#find(path), number));
    const stat = await this.#logs.stat(attempt.uid);
    const size = stat.bytes;
    const start = range?.start ?? 0;
    const end = Math.min(range?.end ?? size - 1, size - 1);
    const { stream } = await this.#logs.raw(attempt.uid, { start, ...(end >= start ? { end } : {}) });
    return { size, start, end, complete: isComplete(stat), stream };
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

  /** Waits for an attempt where there is none yet, reads it, and where none was asked for goes on with those that follow. */
  async *#follow(path: TaskPath, task: Task, request: LogRequest, { attempt: first, cursor }: Place): AsyncIterable<LogBatch | LogEnd> {
    const { follow, format, select, timestamps, signal } = request;
    const form = { follow, format, signal, ...(timestamps === undefined ? {} : { timestamps }) };
    let attempt = await this.#attempt(path, task, request, (all) =>
      first === undefined ? all.at(-1) : all.find(({ number }) => number === first),
    );
    let place: { readonly from?: { readonly cursor: string } } = cursor === undefined ? {} : { from: { cursor } };
    // Of a later attempt everything is new, and its lines have other numbers.
    const { tail: firstTail, ...rest } = select ?? {};
    let tail = firstTail;
    while (attempt !== undefined) {
      const { uid, number } = attempt;
      const cursorPrefix = `${number}-`;
      let last = place.from?.cursor ?? '';
      for await (const batch of this.#logs.read(uid, {
        ...form,
        ...place,
        cursorPrefix,
        ...(select === undefined ? {} : { select: { ...rest, ...(tail === undefined ? {} : { tail }) } }),
      })) {
        last = batch.cursor;
        yield batch;
      }
      const end = last === '' ? '' : cursorPrefix + last;
      yield { format: 'end', attempt: number, cursor: end, stat: await this.#logs.stat(uid), dropped: 0 };
      if (!follow || request.attempt !== undefined || select?.lines !== undefined) return;
      place = {};
      tail = undefined;
      attempt = await this.#attempt(path, task, request, (all) => all.find((each) => each.number > number));
    }
  }

  /** Undefined where the task ended without it, and where nobody wants to wait for one that is not there. */
  async #attempt(
    path: TaskPath,
    task: Task,
    { follow, signal }: LogRequest,
    choose: (all: readonly AttemptRecord[]) => AttemptRecord | undefined,
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
        const attempt = choose(this.#attempts(task));
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

  #attempts({ runUid, taskId }: Task): AttemptRecord[] {
    return this.#store.attempts.listOfTask(runUid, taskId);
  }

  /** The attempt of that number, which must be there; without a number the latest, where there is one. */
  #chosen(path: TaskPath, task: Task, number: number | undefined): AttemptRecord | undefined {
    const all = this.#attempts(task);
    if (number === undefined) return all.at(-1);
    const attempt = all.find((each) => each.number === number);
    if (attempt !== undefined) return attempt;
    throw new GoferError(
      'NOT_FOUND',
      `Task '${path.taskId}' of run ${path.runId} has no attempt ${number}: it has had ${all.length} so far.`,
    );
  }

  #whyNone(path: TaskPath): string {
    const { runUid, taskId } = this.#find(path);
    const task = this.#store.taskExecutions.find(runUid, taskId);
    const from = task?.takenFrom;
    if (from === undefined) return task?.state === 'complete' ? 'it was never started.' : 'it has not been started yet.';
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

/** Where to begin: in which attempt's log, and behind which place of it. */
interface Place {
  readonly attempt: number | undefined;
  readonly cursor: string | undefined;
}

function readCursor({ after = '', attempt }: LogRequest): Place {
  if (after === '') return { attempt, cursor: undefined };
  const [, number, place] = /^([1-9]\d{0,8})-(.+)$/.exec(after) ?? [];
  const named = number === undefined ? (attempt ?? 1) : Number(number);
  if (attempt !== undefined && attempt !== named)
    throw new GoferError('INVALID_ARGUMENT', `The cursor belongs to attempt ${named}, and attempt ${attempt} was asked for.`);
  return { attempt: named, cursor: place ?? after };
}

function assertSelection(select: LineSelection | undefined): void {
  const fault = select?.grep === undefined ? undefined : expressionFault(select.grep);
  if (fault !== undefined) throw new GoferError('INVALID_ARGUMENT', `The expression of \`grep\` ${fault}.`);
  if (select?.tail !== undefined && select.lines !== undefined)
    throw new GoferError('INVALID_ARGUMENT', 'Ask for `tail` or for `lines`, not for both.');
}

/** Sealed, nothing was missing then, and nothing was cut off since. */
function isComplete({ bytes, seal }: LogStat): boolean {
  return seal?.complete === true && seal.bytes === bytes;
}
