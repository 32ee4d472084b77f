/** Commands inside running tasks: finds the attempt that runs, and the engine that it runs on. */
import { type ExecInput, type ExecOutput, type ExecRequest, GoferError, type TaskHandle } from '@gofer/contracts';
import { describeWaiting } from '../domain/index.ts';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import type { NamedScheduler } from '../orchestrator/run-context.ts';
import type { AttemptRecord } from '../storage/attempts-table.ts';
import type { Store } from '../storage/store.ts';
import type { Lookup } from './lookup.ts';
import type { AttachService, AttachSession, TaskPath } from './services.ts';

interface RunningAttempt {
  readonly uid: string;
  readonly runUid: string;
  readonly taskId: string;
  readonly handle: TaskHandle;
  readonly scheduler: NamedScheduler['scheduler'];
}

export class RunningTaskAttachService implements AttachService {
  readonly #store: Store;
  readonly #lookup: Lookup;
  readonly #orchestrator: Orchestrator;
  readonly #schedulers: readonly NamedScheduler[];

  constructor(parts: { store: Store; lookup: Lookup; orchestrator: Orchestrator; schedulers: readonly NamedScheduler[] }) {
    this.#store = parts.store;
    this.#lookup = parts.lookup;
    this.#orchestrator = parts.orchestrator;
    this.#schedulers = parts.schedulers;
  }

  async attach(path: TaskPath, request: ExecRequest): Promise<AttachSession> {
    const attempt = this.#running(path);
    const [program = ''] = request.command;
    if (program === '' || request.command.some((word) => word.includes('\0')))
      throw new GoferError('INVALID_ARGUMENT', 'A command has a name, and no NUL character in any of its words.');
    return { run: (input, signal) => this.#run(attempt, request, input, signal) };
  }

  async *#run(
    attempt: RunningAttempt,
    request: ExecRequest,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): AsyncGenerator<ExecOutput> {
    const over = new AbortController();
    const check = (): void => {
      if (this.#latest(attempt)?.uid !== attempt.uid || this.#latest(attempt)?.state !== 'running') over.abort();
    };
    const forget = this.#orchestrator.onChange(attempt.runUid, check);
    try {
      check();
      yield* attempt.scheduler.exec(attempt.handle, request, AbortSignal.any([signal, over.signal]), input);
    } catch (error) {
      // It ends with the task, whichever of the two is told first.
      if (!over.signal.aborted || signal.aborted) throw error;
    } finally {
      forget();
    }
  }

  #running(path: TaskPath): RunningAttempt {
    const { run, task } = this.#lookup.task(path);
    const name = `Task '${task.id}' of run ${path.runId} of pipeline '${path.pipelineId}'`;
    const attempt = this.#latest({ runUid: run.uid, taskId: task.id });
    if (attempt?.state !== 'running' || attempt.handle === undefined)
      throw new GoferError('FAILED_PRECONDITION', `${name} does not run: ${this.#stateOf(run.uid, task.id)}.`);
    const scheduler = this.#schedulers.find(({ engine }) => engine === attempt.engine)?.scheduler;
    if (scheduler === undefined)
      throw new GoferError('UNAVAILABLE', `${name} runs on the engine '${attempt.engine}', which this server has not loaded.`);
    if (!scheduler.capabilities.exec)
      throw new GoferError('UNSUPPORTED', `${name} runs on the engine '${attempt.engine}', which runs no further commands inside a task.`);
    return { uid: attempt.uid, runUid: run.uid, taskId: task.id, handle: attempt.handle, scheduler };
  }

  #stateOf(runUid: string, taskId: string): string {
    const record = this.#store.taskExecutions.find(runUid, taskId);
    if (record?.state === 'complete') return `it is complete (${record.status})`;
    const run = this.#store.runs.byUid(runUid);
    const waiting = run === undefined ? undefined : this.#orchestrator.taskWaiting(run, taskId);
    const state = `it is ${record?.state ?? 'waiting'}`;
    return waiting === undefined ? state : `${state} (${describeWaiting(waiting.reason)})`;
  }

  #latest({ runUid, taskId }: Pick<RunningAttempt, 'runUid' | 'taskId'>): AttemptRecord | undefined {
    return this.#store.attempts.listOfTask(runUid, taskId).at(-1);
  }
}
