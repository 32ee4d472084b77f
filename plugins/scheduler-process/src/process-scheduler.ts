/** The scheduler contract on top of the process supervisor. */
import {
  type ExecInput,
  type ExecOutput,
  type ExecRequest,
  GoferError,
  type HostAccess,
  type ListedTask,
  type LogChunk,
  type LogsRequest,
  type PluginInstance,
  type Scheduler,
  type SchedulerCapabilities,
  type StartUpdate,
  type TaskExit,
  type TaskHandle,
  type TaskInspection,
  type TaskSpec,
} from '@gofer/contracts';
import type { InspectReply, ListReply, StartReply, StartRequest, WaitReply } from './protocol.ts';
import { readLogs } from './read-logs.ts';
import { runExec } from './run-exec.ts';
import type { SupervisorClient } from './supervisor-client.ts';
import { type Answer, ConnectionLost, cancelled, type SupervisorConnection } from './supervisor-connection.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** How often a start is sent again when the supervisor dies meanwhile. */
const MAX_START_ATTEMPTS = 5;

export class ProcessScheduler implements Scheduler, PluginInstance {
  readonly capabilities: SchedulerCapabilities = {
    exec: true,
    endpoints: false,
    streams: true,
    replay: false,
    images: false,
    isolation: false,
  };
  readonly #client: SupervisorClient;
  readonly #umask: number | undefined;

  /** `umask`: that of the tasks. */
  constructor(client: SupervisorClient, umask?: number) {
    this.#client = client;
    this.#umask = umask;
  }

  async *start(spec: TaskSpec, signal: AbortSignal): AsyncGenerator<StartUpdate> {
    const request = toStartRequest(spec, this.#umask);
    for (let attempt = 1; ; attempt++) {
      if (signal.aborted) throw cancelled();
      const connection = await this.#client.connected();
      try {
        const { startedAt } = await this.#startOn(connection, request, signal);
        yield {
          kind: 'started',
          handle: { attempt: spec.attemptId },
          startedAt,
        };
        return;
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (signal.aborted) await this.remove({ attempt: spec.attemptId });
        // The journal knows whether it was started: then the answer is TASK_LOST.
        if (attempt === MAX_START_ATTEMPTS)
          throw new GoferError('UNAVAILABLE', 'the process supervisor ends again and again', { cause: error });
      }
    }
  }

  async #startOn(connection: SupervisorConnection, request: StartRequest, signal: AbortSignal): Promise<StartReply> {
    if (signal.aborted) throw cancelled();
    const { id, answer } = connection.send<StartReply>(request);
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => {
      connection.request({ op: 'abandon', attempt: request.attempt, start: id }).then(() => aborted.reject(cancelled()), aborted.reject);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    // Both are awaited below, if not always both.
    answer.catch(() => {});
    aborted.promise.catch(() => {});
    try {
      const { reply } = await Promise.race([answer, aborted.promise]);
      if (!signal.aborted) return reply;
    } catch (error) {
      if (!signal.aborted || error instanceof ConnectionLost) throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    // Nothing is left behind once this settles.
    return await aborted.promise;
  }

  async wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit> {
    const { reply } = await this.#client.call<WaitReply>({ op: 'wait', attempt: toAttempt(handle) }, { signal, patient: true });
    return reply.exit;
  }

  async stop(handle: TaskHandle, graceMs: number): Promise<void> {
    await this.#client.call({
      op: 'stop',
      attempt: toAttempt(handle),
      graceMs,
    });
  }

  async remove(handle: TaskHandle): Promise<void> {
    await this.#client.call({ op: 'remove', attempt: toAttempt(handle) });
  }

  async inspect(handle: TaskHandle): Promise<TaskInspection> {
    const { reply }: Answer<InspectReply> = await this.#client.call<InspectReply>({
      op: 'inspect',
      attempt: toAttempt(handle),
    });
    return { ...reply, endpoints: [] };
  }

  logs(handle: TaskHandle, request: LogsRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    return readLogs(this.#client, toAttempt(handle), request, signal);
  }

  exec(handle: TaskHandle, request: ExecRequest, signal: AbortSignal, input?: AsyncIterable<ExecInput>): AsyncIterable<ExecOutput> {
    return runExec(this.#client, toAttempt(handle), request, signal, input);
  }

  async list(labels: Readonly<Record<string, string>>): Promise<readonly ListedTask[]> {
    const { reply } = await this.#client.call<ListReply>({
      op: 'list',
      labels,
    });
    return reply.tasks.map((task) => ({
      handle: { attempt: task.attempt },
      labels: task.labels,
      state: task.state,
    }));
  }

  /** A task is a process of this machine like any other. */
  hostAccess(): Promise<HostAccess> {
    return Promise.resolve({ address: '127.0.0.1' });
  }

  async health(): Promise<void> {
    await this.#client.connected();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

/** The attempt of a handle; what is not a handle of this engine names no attempt. */
function toAttempt(handle: TaskHandle): string {
  const { attempt } = handle;
  if (typeof attempt !== 'string') throw new GoferError('INVALID_ARGUMENT', 'not a handle of the process engine');
  return attempt;
}

function toStartRequest(spec: TaskSpec, umask: number | undefined): StartRequest {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(spec.attemptId)) {
    throw new GoferError('INVALID_ARGUMENT', `attempt id ${JSON.stringify(spec.attemptId)} must be 1 to 128 of [A-Za-z0-9._-]`);
  }
  if (spec.ports.length > 0)
    throw new GoferError('UNSUPPORTED', 'the process engine does not expose ports: its tasks listen on the host itself');
  const argv = [...(spec.entrypoint ?? []), ...(spec.command ?? [])];
  if (argv.length === 0 || argv[0] === '') {
    throw new GoferError('INVALID_ARGUMENT', 'the process engine has no images: a task needs an entrypoint or a command');
  }
  return {
    op: 'start',
    attempt: spec.attemptId,
    argv,
    env: spec.env,
    path: process.env['PATH'] ?? DEFAULT_PATH,
    ...(umask === undefined ? {} : { umask }),
    labels: spec.labels,
    sensitive: spec.sensitive === true,
  };
}
