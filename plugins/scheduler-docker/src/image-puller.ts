/** Pulls images. However many tasks want the same image with the same credentials at once, it is pulled once for all of them. */
import type { TaskSpec } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { Engine } from './engine.ts';
import { throwIfAborted } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { authAddress, parseImageReference } from './image-reference.ts';
import { jsonLines } from './json-lines.ts';
import type { PullMessage } from './pull-progress.ts';
import { PullProgress } from './pull-progress.ts';

/** The least time between two messages of progress. */
const MESSAGE_DISTANCE_MS = 250;

/** A pull under way. */
interface Job {
  text: string;
  /** Resolves with the next change, the end included. */
  changed: PromiseWithResolvers<void>;
  done: boolean;
  error: unknown;
  readonly stop: AbortController;
  waiting: number;
}

export class ImagePuller {
  #engine: Engine;
  #jobs = new Map<string, Job>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Yields progress for a person at a bounded rate and ends when the image is there. Rejects with `IMAGE_NOT_FOUND`, `IMAGE_PULL_FAILED`,
   * `UNAVAILABLE`, `CANCELLED`. A pull that nobody waits for any more is given up.
   */
  async *pull(image: string, auth: TaskSpec['registryAuth'], signal: AbortSignal): AsyncGenerator<string> {
    const key = JSON.stringify([image, auth?.username, auth?.password]);
    const job = this.#jobs.get(key) ?? this.#begin(key, image, auth);
    job.waiting += 1;
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
    const onAbort = (): void => abort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (let last = ''; ; ) {
        throwIfAborted(signal);
        if (job.done) break;
        const { promise: changed } = job.changed;
        if (job.text === last) {
          await Promise.race([changed, aborted]);
        } else {
          last = job.text;
          yield last;
        }
      }
      if (job.error !== undefined) throw job.error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      job.waiting -= 1;
      if (job.waiting === 0 && !job.done) {
        this.#jobs.delete(key);
        job.stop.abort();
      }
    }
  }

  #begin(key: string, image: string, auth: TaskSpec['registryAuth']): Job {
    const changed = Promise.withResolvers<void>();
    const job: Job = {
      text: 'pulling image',
      changed,
      done: false,
      error: undefined,
      stop: new AbortController(),
      waiting: 0,
    };
    this.#jobs.set(key, job);
    void this.#run(job, image, auth)
      .catch((error: unknown) => {
        job.error = pullFailure(error, image, auth !== undefined) ?? this.#engine.failure(error);
      })
      .finally(() => {
        job.done = true;
        if (this.#jobs.get(key) === job) this.#jobs.delete(key);
        job.changed.resolve();
      });
    return job;
  }

  async #run(job: Job, image: string, auth: TaskSpec['registryAuth']): Promise<void> {
    const { registry, name, tag } = parseImageReference(image);
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), this.#engine.timeoutMs);
    const signal = AbortSignal.any([job.stop.signal, silence.signal]);
    try {
      const stream = await this.#engine.stream({
        method: 'POST',
        path: '/images/create',
        query: { fromImage: name, tag },
        ...(auth === undefined ? {} : { registryAuth: { ...auth, serveraddress: authAddress(registry) } }),
        signal,
      });
      const progress = new PullProgress();
      let lastMessage = 0;
      for await (const line of jsonLines(this.#engine.read(stream, signal))) {
        timer.refresh();
        const message = line as PullMessage;
        if (message.error !== undefined) throw new EngineError(500, message.error);
        progress.add(message);
        const now = Date.now();
        if (now - lastMessage < MESSAGE_DISTANCE_MS || job.text === progress.text) continue;
        lastMessage = now;
        job.text = progress.text;
        const { resolve } = job.changed;
        job.changed = Promise.withResolvers();
        resolve();
      }
    } catch (error) {
      if (!silence.signal.aborted) throw error;
      throw new EngineError(504, `nothing came for ${this.#engine.timeoutMs / 1000} s (scheduler.docker.timeout)`);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** An image that is not on the engine and must not be pulled. */
export function imageMissing(image: string): GoferError {
  return new GoferError(
    'IMAGE_NOT_FOUND',
    `the image ${image} is not on the Docker engine and the pull policy is "never": load it there (docker pull ${image}), or choose another pull policy`,
  );
}

function pullFailure(error: unknown, image: string, withCredentials: boolean): GoferError | undefined {
  if (!(error instanceof EngineError)) return undefined;
  const { registry } = parseImageReference(image);
  const said = error.message.replace(/^Error response from daemon: /, '');
  if (/pull access denied|denied:|unauthorized|authentication required|no basic auth|forbidden/i.test(said)) {
    const cure = withCredentials
      ? `check the name of the image, and the username and password of the task's registry authentication`
      : `check the name of the image; if it is private, give the task registry authentication`;
    return new GoferError('IMAGE_PULL_FAILED', `the registry ${registry} does not hand out the image ${image}: ${cure} (${said})`, {
      cause: error,
    });
  }
  if (error.status === 404 || /manifest unknown|not found|name unknown|repository name not known/i.test(said)) {
    return new GoferError('IMAGE_NOT_FOUND', `the image ${image} does not exist at ${registry}: check its name and tag (${said})`, {
      cause: error,
    });
  }
  return new GoferError(
    'IMAGE_PULL_FAILED',
    `the image ${image} could not be pulled from ${registry}: check that the Docker engine's machine can reach the registry (${said})`,
    { cause: error },
  );
}
