/**
 * Runs extensions as tasks of a scheduler. A container outlives the server that started it, and the next one adopts it; one that nobody
 * knows is removed by `sweepExtensionLeftovers`.
 */
import { codeOf, GoferError, type PluginLog, type Scheduler, type TaskHandle, type TaskSpec } from '@gofer/contracts';
import type { Clock } from '../clock/clock.ts';
import { engineLabel } from '../domain/engine-label.ts';
import { ContainerExtension } from './container-extension.ts';
import { EXTENSION_PORT, type ExtensionHost, type ExtensionStart, NOWHERE, type RunningExtension } from './extension-host.ts';
import { pauseUnlessAborted, throwIfAborted, withPatience } from './scheduler-patience.ts';

export interface ContainerHostOptions {
  readonly engine: string;
  readonly scheduler: Scheduler;
  readonly instanceId: string;
  /** `extensions.use_tls`: they are reached by HTTPS. */
  readonly useTls: boolean;
  readonly clock: Clock;
  readonly log: PluginLog;
}

/** While the scheduler cannot be reached it is asked again for this long. */
const PATIENCE_MS = 5 * 60_000;
const REMOVAL_PATIENCE_MS = 60 * 60_000;
/** How long a running container may be without an endpoint. */
const ENDPOINT_PATIENCE_MS = 30_000;
const FIRST_LOOK_MS = 50;
const LAST_LOOK_MS = 1000;

type Say = (message: string) => void;

export class ContainerHost implements ExtensionHost {
  readonly engine: string;
  readonly replay: boolean;
  readonly keepsOutput = true;
  readonly #options: ContainerHostOptions;
  readonly #scheduler: Scheduler;
  readonly #clock: Clock;

  constructor(options: ContainerHostOptions) {
    this.#options = options;
    this.#scheduler = options.scheduler;
    this.#clock = options.clock;
    this.engine = options.engine;
    this.replay = options.scheduler.capabilities.replay;
  }

  async start(start: ExtensionStart, progress: Say, signal: AbortSignal): Promise<RunningExtension> {
    if (!this.#scheduler.capabilities.endpoints) {
      throw new GoferError(
        'UNSUPPORTED',
        `the scheduler "${this.engine}" gives its tasks no ports, and an extension is reached by one: install the extension that comes with the server, as builtin:NAME, or have another scheduler, such as docker (scheduler.engine)`,
      );
    }
    const handle = await this.#startTask(start, progress, signal);
    try {
      return this.#running(handle, await this.#endpoint(handle, progress, signal));
    } catch (error) {
      await this.#abandon(handle);
      throw error;
    }
  }

  async adopt({ handle }: { readonly handle: TaskHandle }, signal: AbortSignal): Promise<RunningExtension | undefined> {
    const url = await this.#endpoint(handle, () => {}, signal);
    return url === undefined ? undefined : this.#running(handle, url);
  }

  async remove(handle: TaskHandle): Promise<void> {
    await this.#scheduler.remove(handle);
  }

  #running(handle: TaskHandle, url: string | undefined): RunningExtension {
    return new ContainerExtension({ scheduler: this.#scheduler, clock: this.#clock, handle, url: url ?? NOWHERE });
  }

  async #startTask(start: ExtensionStart, progress: Say, signal: AbortSignal): Promise<TaskHandle> {
    try {
      return await this.#startWith(start, 'always', progress, signal);
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'IMAGE_PULL_FAILED' && code !== 'IMAGE_NOT_FOUND') throw error;
      // A registry that is away must not keep away what is here already.
      progress(`the image could not be pulled, trying the one that is here: ${messageOf(error)}`);
      try {
        return await this.#startWith(start, 'never', progress, signal);
      } catch (second) {
        throw codeOf(second) === 'IMAGE_NOT_FOUND' ? error : second;
      }
    }
  }

  async #startWith(start: ExtensionStart, pullPolicy: TaskSpec['pullPolicy'], progress: Say, signal: AbortSignal): Promise<TaskHandle> {
    const spec = this.#spec(start, pullPolicy);
    let wasAway = false;
    const begin = async (): Promise<TaskHandle> => {
      try {
        for await (const update of this.#scheduler.start(spec, signal)) {
          if (update.kind === 'started') return update.handle;
          progress(update.message);
        }
      } catch (error) {
        wasAway ||= codeOf(error) === 'UNAVAILABLE';
        throw error;
      }
      throw new GoferError('INTERNAL', `the scheduler "${this.engine}" neither started the extension nor said why`);
    };
    try {
      return await this.#patiently(begin, progress, signal);
    } catch (error) {
      // A scheduler that goes away while it starts something may have started it; one that says no has not.
      if (wasAway && (signal.aborted || codeOf(error) === 'UNAVAILABLE')) this.#removeLater(async () => await this.#removeStart(start.uid));
      throw error;
    }
  }

  #spec(start: ExtensionStart, pullPolicy: TaskSpec['pullPolicy']): TaskSpec {
    return {
      attemptId: start.uid,
      image: start.image,
      env: { ...start.env, GOFER_EXTENSION_SYSTEM_BIND_ADDRESS: `0.0.0.0:${EXTENSION_PORT}` },
      sensitive: true,
      ...(start.registryAuth === undefined ? {} : { registryAuth: start.registryAuth }),
      pullPolicy,
      limits: {},
      ports: [EXTENSION_PORT],
      labels: {
        instance: this.#options.instanceId,
        extension: start.extensionUid,
        attempt: start.uid,
        engine: engineLabel(this.engine),
      },
    };
  }

  /** Where it is reached; undefined where it does not run any more. */
  async #endpoint(handle: TaskHandle, say: Say, signal: AbortSignal): Promise<string | undefined> {
    const giveUpAt = this.#clock.monotonic() + ENDPOINT_PATIENCE_MS;
    for (let ms = FIRST_LOOK_MS; ; ms = Math.min(ms * 2, LAST_LOOK_MS)) {
      throwIfAborted(signal);
      const { state, endpoints } = await this.#patiently(() => this.#scheduler.inspect(handle), say, signal);
      if (state === 'exited' || state === 'gone') return undefined;
      const url = endpoints.find(({ port }) => port === EXTENSION_PORT)?.url;
      if (url !== undefined) return this.#withScheme(url);
      if (this.#clock.monotonic() + ms > giveUpAt) {
        throw new GoferError(
          'UNAVAILABLE',
          `the scheduler "${this.engine}" does not say where port ${EXTENSION_PORT} of the extension is reached; look at its network`,
        );
      }
      await pauseUnlessAborted(this.#clock, ms, signal);
    }
  }

  #withScheme(url: string): string {
    return this.#options.useTls ? url.replace(/^http:/, 'https:') : url;
  }

  /** One that was started and is not handed out: it must not go on as an extension of which nobody knows. */
  async #abandon(handle: TaskHandle): Promise<void> {
    try {
      await this.#scheduler.remove(handle);
    } catch {
      // Its caller learns why it could not be used, which is not this.
      this.#removeLater(() => this.#scheduler.remove(handle));
    }
  }

  async #removeStart(uid: string): Promise<void> {
    const listed = await this.#scheduler.list({ instance: this.#options.instanceId, attempt: uid });
    await Promise.all(listed.map(({ handle }) => this.#scheduler.remove(handle)));
  }

  /** Behind everybody's back; what fails is left to the next server's sweep. */
  #removeLater(remove: () => Promise<void>): void {
    withPatience(remove, { clock: this.#clock, signal: new AbortController().signal, patienceMs: REMOVAL_PATIENCE_MS }).catch(
      (error: unknown) =>
        this.#options.log('warn', 'a container of an extension could not be removed; the next start of the server tries again', {
          engine: this.engine,
          reason: String(error),
        }),
    );
  }

  #patiently<T>(ask: () => Promise<T>, say: Say, signal: AbortSignal): Promise<T> {
    const onRetry = (reason: string): void => say(`the scheduler cannot be reached, trying again: ${reason}`);
    return withPatience(ask, { clock: this.#clock, signal, patienceMs: PATIENCE_MS, onRetry });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
