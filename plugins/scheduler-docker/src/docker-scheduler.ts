/** The scheduler contract on a Docker engine: one attempt is one container, and its handle is the container's id. */

import type {
  ExecInput,
  ExecOutput,
  ExecRequest,
  HostAccess,
  ListedTask,
  LogChunk,
  LogsRequest,
  PluginHost,
  PluginInstance,
  Scheduler,
  SchedulerCapabilities,
  StartUpdate,
  TaskExit,
  TaskHandle,
  TaskInspection,
  TaskSpec,
} from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { AttemptJournal } from './attempt-journal.ts';
import { startAttempt } from './attempt-start.ts';
import { labelFilter, taskLabels } from './container-definition.ts';
import { removeContainer, stopContainer } from './container-end.ts';
import { pruneContainers } from './container-prune.ts';
import type { Container } from './container-state.ts';
import { endpointsOf, exitOf, stateOf } from './container-state.ts';
import type { DockerConfig } from './docker-config.ts';
import { LONGEST_TIMER_MS } from './docker-config.ts';
import type { Engine } from './engine.ts';
import { throwIfAborted } from './engine.ts';
import { isStatus } from './engine-error.ts';
import { EngineWarnings } from './engine-warnings.ts';
import { execSession } from './exec-session.ts';
import { ExitWatch } from './exit-watch.ts';
import { hostAccess } from './host-access.ts';
import { ImagePuller } from './image-puller.ts';
import type { LiveOutput } from './live-output.ts';
import type { OutputPosition } from './output-position.ts';
import { BEGINNING, fromCursor } from './output-position.ts';
import { RecentSet } from './recent-set.ts';
import { notFound, TaskOutput } from './task-output.ts';

/** Docker 19.03, the first whose API has everything that is used. */
const OLDEST_API = [1, 40] as const;
/** Removed containers that are remembered, to tell `NOT_FOUND` from lost. */
const REMOVED_KEPT = 10_000;

interface ListedContainer {
  readonly Id: string;
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
}

/** What this process knows about a container beyond what the engine does. */
interface Known {
  live?: LiveOutput;
  /** How far the engine has given the output. */
  given: OutputPosition;
}

export class DockerScheduler implements Scheduler, PluginInstance {
  readonly capabilities: SchedulerCapabilities;
  #config: DockerConfig;
  #host: PluginHost;
  #engine: Engine;
  #journal: AttemptJournal;
  #puller: ImagePuller;
  #watch: ExitWatch;
  #warnings: EngineWarnings;
  #known = new Map<string, Known>();
  #removed = new RecentSet(REMOVED_KEPT);
  /** The last call of `start` for each attempt that is being started. */
  #starting = new Map<string, Promise<void>>();
  #pruneTimer: NodeJS.Timeout | undefined;
  #pruning = false;

  constructor(config: DockerConfig, host: PluginHost, engine: Engine, journal: AttemptJournal) {
    this.#config = config;
    this.#host = host;
    this.#engine = engine;
    this.#journal = journal;
    this.#puller = new ImagePuller(engine);
    this.#watch = new ExitWatch(engine);
    this.#warnings = new EngineWarnings(host.log);
    this.capabilities = {
      exec: true,
      endpoints: config.network !== 'none',
      streams: true,
      replay: true,
      images: true,
      isolation: true,
    };
    if (config.prune) {
      const interval = Math.min(config.prune_interval * 1000, LONGEST_TIMER_MS);
      this.#pruneTimer = setInterval(() => void this.#prune(), interval).unref();
    }
  }

  async *start(spec: TaskSpec, signal: AbortSignal): AsyncGenerator<StartUpdate> {
    const before = this.#starting.get(spec.attemptId);
    const { promise: settled, resolve: settle } = Promise.withResolvers<void>();
    const turn = (before ?? Promise.resolve()).then(() => settled);
    this.#starting.set(spec.attemptId, turn);
    const done = (): void => {
      settle();
      if (this.#starting.get(spec.attemptId) === turn) this.#starting.delete(spec.attemptId);
    };
    try {
      await before;
      const tools = {
        engine: this.#engine,
        config: this.#config,
        journal: this.#journal,
        puller: this.#puller,
        keepLive: (id: string, live: LiveOutput): void =>
          void this.#known.set(id, {
            live,
            given: BEGINNING,
          }),
        hasNewEngine: (id: string): void => this.#watch.hasNewEngine(id),
        engineWarns: (warnings: readonly string[] | null | undefined): void => this.#warnings.tell(warnings),
        warn: (message: string, fields: Readonly<Record<string, unknown>>): void => this.#host.log('warn', message, fields),
      };
      for await (const update of startAttempt(tools, spec, signal)) {
        // The next in line need not wait until the caller comes back for more.
        if (update.kind === 'started') done();
        yield update;
      }
    } catch (error) {
      throw this.#engine.failure(await this.#engine.causeOf(error));
    } finally {
      done();
    }
  }

  async wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit> {
    const id = containerId(handle);
    try {
      const { container, interrupted } = await this.#watch.ending(id, signal);
      if (container === undefined) {
        if (this.#removed.has(id)) throw notFound(id);
        const when = interrupted ? 'after it was away ' : '';
        return {
          kind: 'lost',
          reason: `the Docker engine no longer knows the container ${when}(${id.slice(0, 12)})`,
          endedAt: Date.now(),
        };
      }
      return this.#exitOf(container);
    } catch (error) {
      throw this.#engine.failure(error);
    }
  }

  async stop(handle: TaskHandle, graceMs: number): Promise<void> {
    try {
      await stopContainer(this.#engine, this.#watch, containerId(handle), graceMs);
    } catch (error) {
      throw this.#engine.failure(error);
    }
  }

  async remove(handle: TaskHandle): Promise<void> {
    const id = containerId(handle);
    try {
      await removeContainer(this.#engine, this.#watch, id);
    } catch (error) {
      throw this.#engine.failure(error);
    }
    this.#known.get(id)?.live?.drop();
    this.#known.delete(id);
    this.#watch.forget(id);
    this.#removed.add(id);
  }

  async inspect(handle: TaskHandle): Promise<TaskInspection> {
    try {
      const container = await this.#engine.json<Container>({
        method: 'GET',
        path: `/containers/${containerId(handle)}/json`,
      });
      const state = stateOf(container.State.Status);
      if (state === 'exited') return { state, exit: this.#exitOf(container), endpoints: [] };
      return {
        state,
        endpoints: endpointsOf(container, this.#engine.address.machine),
      };
    } catch (error) {
      if (isStatus(error, 404)) return { state: 'gone', endpoints: [] };
      throw this.#engine.failure(error);
    }
  }

  async *logs(handle: TaskHandle, request: LogsRequest, signal: AbortSignal): AsyncGenerator<LogChunk> {
    const id = containerId(handle);
    const from = fromCursor(request.after);
    const known = this.#known.get(id);
    const output = new TaskOutput(this.#engine, this.#watch, id, from);
    try {
      throwIfAborted(signal);
      if (!request.follow) return yield* output.stored(known?.given ?? BEGINNING, signal);
      const live = known?.live;
      // Whoever reads has the connection for themselves, from its first byte on; it cannot be read twice.
      if (known !== undefined) delete known.live;
      if (known !== undefined && live !== undefined && request.after === undefined) {
        try {
          if (yield* output.live(live, signal)) return;
        } finally {
          known.given = output.position;
          live.drop();
        }
      }
      live?.drop();
      yield* output.followed(signal);
    } catch (error) {
      throw this.#engine.failure(error);
    }
  }

  async *exec(handle: TaskHandle, request: ExecRequest, signal: AbortSignal, input?: AsyncIterable<ExecInput>): AsyncGenerator<ExecOutput> {
    try {
      yield* execSession(this.#engine, containerId(handle), request, signal, input);
    } catch (error) {
      throw this.#engine.failure(error);
    }
  }

  async list(labels: Readonly<Record<string, string>>): Promise<readonly ListedTask[]> {
    try {
      const filters = JSON.stringify({ label: labelFilter(labels) });
      const query = { all: '1', filters };
      const listed = await this.#engine.json<readonly ListedContainer[]>({ method: 'GET', path: '/containers/json', query });
      return listed.flatMap(({ Id: id, State, Labels }) => {
        const state = stateOf(State);
        return state === 'gone' ? [] : [{ handle: { id }, labels: taskLabels(Labels), state }];
      });
    } catch (error) {
      throw this.#engine.failure(error);
    }
  }

  async hostAccess(): Promise<HostAccess> {
    try {
      return await hostAccess(this.#engine, this.#config.network);
    } catch (error) {
      throw this.#engine.failure(error);
    }
  }

  async health(): Promise<void> {
    try {
      const version = await this.#engine.json<{
        Version: string;
        ApiVersion: string;
      }>({ method: 'GET', path: '/version' });
      const [major = 0, minor = 0] = version.ApiVersion.split('.').map(Number);
      if (major > OLDEST_API[0] || (major === OLDEST_API[0] && minor >= OLDEST_API[1])) return;
      const message = `the Docker engine at ${this.#engine.address.display} is too old: ${version.Version} speaks API ${version.ApiVersion}, and ${OLDEST_API.join('.')} (Docker 19.03) is needed`;
      throw new GoferError('UNAVAILABLE', message);
    } catch (error) {
      throw this.#engine.failure(error);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#pruneTimer);
    for (const { live } of this.#known.values()) live?.drop();
    this.#known.clear();
    this.#engine.close();
    await this.#journal.close();
  }

  #exitOf(container: Container): TaskExit {
    return exitOf(container, this.#watch.disturbance(container.Id));
  }

  async #prune(): Promise<void> {
    if (this.#pruning) return;
    this.#pruning = true;
    try {
      const age = this.#config.prune_interval * 1000;
      const removed = await pruneContainers(this.#engine, this.#host.instanceId, age, Date.now());
      if (removed > 0) this.#host.log('info', 'removed ended containers that were left behind', { removed });
    } catch (error) {
      this.#host.log('warn', 'could not prune containers; the next interval tries again', { error: String(error) });
    } finally {
      this.#pruning = false;
    }
  }
}

function containerId(handle: TaskHandle): string {
  const { id } = handle;
  if (typeof id === 'string' && /^[0-9a-f]{12,64}$/.test(id)) return id;
  throw new GoferError('NOT_FOUND', 'not a handle of the Docker scheduler');
}
