/** How an attempt becomes a running container, exactly once. */

import type { StartUpdate, TaskSpec } from '@gofer/contracts';
import { codeOf, GoferError } from '@gofer/contracts';
import type { AttemptJournal } from './attempt-journal.ts';
import { ATTEMPT_LABEL, containerDefinition, containerName } from './container-definition.ts';
import type { Container } from './container-state.ts';
import { stateOf, toEpoch } from './container-state.ts';
import type { DockerConfig } from './docker-config.ts';
import type { Engine } from './engine.ts';
import { throwIfAborted } from './engine.ts';
import { ConnectionLost, isStatus } from './engine-error.ts';
import { remembersContainer } from './engine-memory.ts';
import { withoutEnvironment } from './environment-mask.ts';
import type { ImagePuller } from './image-puller.ts';
import { imageMissing } from './image-puller.ts';
import { LiveOutput } from './live-output.ts';

export interface StartTools {
  readonly engine: Engine;
  readonly config: DockerConfig;
  readonly journal: AttemptJournal;
  readonly puller: ImagePuller;
  /** Takes over the live output of a container that was just started. */
  readonly keepLive: (id: string, output: LiveOutput) => void;
  /** A container that was started runs under another engine than the one that started it. */
  readonly hasNewEngine: (id: string) => void;
  /** The engine has made a container and has this to say of it. */
  readonly engineWarns: (warnings: readonly string[] | null | undefined) => void;
  /** Something is left behind and could not be cleaned up. */
  readonly warn: (message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** `Scheduler.start` for one call at a time of one attempt. */
export async function* startAttempt(tools: StartTools, spec: TaskSpec, signal: AbortSignal): AsyncGenerator<StartUpdate> {
  const { journal, puller } = tools;
  throwIfAborted(signal);
  const definition = containerDefinition(spec, tools.config);
  const known = journal.has(spec.attemptId);
  // The first start, which is nearly every one, asks nothing beforehand: the engine refuses a name that is taken.
  let found = known || spec.pullPolicy === 'always' ? await findContainer(tools, spec) : undefined;
  if (known && found === undefined) throw lost(spec);
  if (known && found !== undefined && stateOf(found.State.Status) === 'created' && !(await isRemembered(tools, found))) {
    await removeRemains(tools, spec, found.Id);
    throw forgotten(spec);
  }
  let id: string | undefined;
  if (found === undefined) {
    const always = spec.pullPolicy === 'always';
    if (always) yield* pull(puller, spec, signal);
    let created = await createContainer(tools, spec, definition);
    if (created === 'no image' && spec.pullPolicy === 'never') throw imageMissing(spec.image);
    if (created === 'no image' && !always) {
      yield* pull(puller, spec, signal);
      created = await createContainer(tools, spec, definition);
    }
    if (created === 'no image') {
      throw new GoferError(
        'IMAGE_PULL_FAILED',
        `the image ${spec.image} was pulled, and the Docker engine does not have it: was it removed meanwhile?`,
      );
    }
    if (created === 'name taken') {
      found = await findContainer(tools, spec);
      if (found === undefined)
        throw new GoferError('UNAVAILABLE', `the container ${containerName(spec.attemptId)} is just being removed: try again`);
    } else {
      id = created.id;
    }
  }
  if (found !== undefined && stateOf(found.State.Status) !== 'created') {
    await journal.add(spec.attemptId);
    if (!(await isRemembered(tools, found))) tools.hasNewEngine(found.Id);
    throwIfAborted(signal);
    yield {
      kind: 'started',
      handle: { id: found.Id },
      startedAt: toEpoch(found.State.StartedAt),
    };
    return;
  }
  const container = id ?? found?.Id;
  if (container === undefined) throw new GoferError('INTERNAL', 'a container was neither created nor found');
  yield {
    kind: 'started',
    handle: { id: container },
    startedAt: await startContainer(tools, spec, container, signal),
  };
}

async function* pull(puller: ImagePuller, spec: TaskSpec, signal: AbortSignal): AsyncGenerator<StartUpdate> {
  for await (const message of puller.pull(spec.image, spec.registryAuth, signal)) yield { kind: 'progress', message };
}

/** Not abortable: an engine that is interrupted here may create the container all the same. */
async function createContainer(tools: StartTools, spec: TaskSpec, definition: object): Promise<{ id: string } | 'no image' | 'name taken'> {
  try {
    const query = { name: containerName(spec.attemptId) };
    const created = await tools.engine.json<{ Id: string; Warnings?: readonly string[] | null }>({
      method: 'POST',
      path: '/containers/create',
      query,
      body: definition,
    });
    tools.engineWarns(created.Warnings);
    return { id: created.Id };
  } catch (error) {
    // A newer engine misses the network here already.
    if (isStatus(error, 404) && !error.message.includes('network')) return 'no image';
    if (isStatus(error, 409)) return 'name taken';
    throw networkMissing(error, spec, tools.config) ?? withoutEnvironment(error, spec);
  }
}

async function findContainer(tools: StartTools, spec: TaskSpec): Promise<Container | undefined> {
  const name = containerName(spec.attemptId);
  try {
    const container = await tools.engine.json<Container>({
      method: 'GET',
      path: `/containers/${name}/json`,
    });
    if (stateOf(container.State.Status) === 'gone') return undefined;
    if (container.Config.Labels?.[ATTEMPT_LABEL] === spec.attemptId) return container;
  } catch (error) {
    if (isStatus(error, 404)) return undefined;
    throw error;
  }
  throw new GoferError(
    'FAILED_PRECONDITION',
    `there is a container named ${name} that is not of this scheduler: remove it (docker rm ${name})`,
  );
}

/**
 * Epoch milliseconds. On any failure, and when aborted, removes the container; but where the engine was asked to start it and nobody knows
 * whether it has, it stays: it may have run, and whoever starts the attempt again finds it.
 */
async function startContainer(tools: StartTools, spec: TaskSpec, id: string, signal: AbortSignal): Promise<number> {
  const { engine, journal } = tools;
  let live: LiveOutput | undefined;
  let isAsked = false;
  try {
    throwIfAborted(signal);
    // Attached before it starts: what a task writes is there from its first byte.
    const query = { stream: '1', stdout: '1', stderr: '1' };
    live = new LiveOutput(
      await engine.hijack({
        method: 'POST',
        path: `/containers/${id}/attach`,
        query,
      }),
    );
    throwIfAborted(signal);
    await journal.add(spec.attemptId);
    isAsked = true;
    const startedAt = await askToStart(tools, spec, id);
    throwIfAborted(signal);
    tools.keepLive(id, live);
    return startedAt;
  } catch (error) {
    live?.drop();
    if (error instanceof NotStarted) {
      await journal.delete(spec.attemptId);
      throw error.lost;
    }
    if (isAsked && error instanceof ConnectionLost) throw error;
    if (codeOf(error) === 'TASK_LOST') {
      // It stays in the journal: it may have run, and must not run again.
      await removeRemains(tools, spec, id);
      throw error;
    }
    if (await removeRemains(tools, spec, id)) await journal.delete(spec.attemptId);
    throw startFailure(error, spec, tools.config);
  }
}

/** The engine went away before it had begun with the container. */
class NotStarted extends Error {
  override readonly name = 'NotStarted';
  readonly lost: ConnectionLost;

  constructor(lost: ConnectionLost) {
    super(lost.message, { cause: lost });
    this.lost = lost;
  }
}

/**
 * Epoch milliseconds. An engine that goes away answers with errors of its own on the connections that it still has, and by the time that
 * one is read the next engine may be there: so such an error is only believed when it comes again. In between the container is looked at,
 * since a second start of one that has run would run it again. The engine holds a container while it starts it, so that a look at it waits
 * for a start that is under way.
 */
async function askToStart(tools: StartTools, spec: TaskSpec, id: string): Promise<number> {
  const { engine } = tools;
  const start = async (): Promise<number> => {
    try {
      await engine.json({ method: 'POST', path: `/containers/${id}/start`, once: true });
      return Date.now();
    } catch (error) {
      if (isStatus(error, 500) && TASK_FORGOTTEN.test(error.message)) throw forgotten(spec, error);
      const cause = await engine.causeOf(error);
      if (isStatus(error, 500) && cause instanceof ConnectionLost && OF_NETWORK.test(error.message)) throw new NotStarted(cause);
      throw cause;
    }
  };
  try {
    return await start();
  } catch (error) {
    if (!isStatus(error, 500)) throw error;
  }
  const container = await engine.json<Container>({ method: 'GET', path: `/containers/${id}/json` });
  if (stateOf(container.State.Status) === 'created') return start();
  if (!(await isRemembered(tools, container))) tools.hasNewEngine(id);
  return toEpoch(container.State.StartedAt);
}

/** An engine that died in the middle of a start has not written down what it had begun, and its containerd still has it. */
const TASK_FORGOTTEN = /\btask \S+ already exists/;
/** The network is the first thing that a start makes, before anything can run. */
const OF_NETWORK = /libnetwork|endpoint|sandbox|failed to update store/;

/**
 * False if the engine that was asked to start the container has died since: it writes down that a container runs when it does already, so
 * one that it calls created may have run.
 */
async function isRemembered({ engine }: StartTools, container: Container): Promise<boolean> {
  return remembersContainer(engine, container.Id, toEpoch(container.Created));
}

function forgotten(spec: TaskSpec, cause?: unknown): GoferError {
  const what = `the Docker engine died while it started the container of the attempt ${spec.attemptId}`;
  return new GoferError('TASK_LOST', `${what}: it may have run, and is not started again`, cause === undefined ? {} : { cause });
}

/** False if it may still be there. */
async function removeRemains(tools: StartTools, spec: TaskSpec, id: string): Promise<boolean> {
  try {
    await tools.engine.json({
      method: 'DELETE',
      path: `/containers/${id}`,
      query: { force: '1', v: '1' },
    });
  } catch (error) {
    if (!isStatus(error, 404)) {
      // It stays in the journal: whoever starts the attempt again finds the container, and not a second one.
      tools.warn('a container of a failed start could not be removed', {
        container: id,
        attempt: spec.attemptId,
        error: String(error),
      });
      return false;
    }
  }
  return true;
}

function startFailure(error: unknown, spec: TaskSpec, config: DockerConfig): unknown {
  if (error instanceof ConnectionLost) return error;
  if (isStatus(error, 400)) {
    const cause = withoutEnvironment(error, spec);
    const said = /exec: .*$/.exec(cause.message)?.[0].replace(/: unknown$/, '') ?? cause.message;
    const message = `the command of the task cannot be executed in the image ${spec.image}: ${said}`;
    return new GoferError('INVALID_ARGUMENT', message, { cause });
  }
  return networkMissing(error, spec, config) ?? withoutEnvironment(error, spec);
}

function networkMissing(error: unknown, spec: TaskSpec, { network }: DockerConfig): GoferError | undefined {
  if (!isStatus(error, 404) || !error.message.includes('network')) return undefined;
  const cure = `create it (docker network create ${network}), or change scheduler.docker.network`;
  return new GoferError('FAILED_PRECONDITION', `the Docker engine has no network "${network}": ${cure}`, {
    cause: withoutEnvironment(error, spec),
  });
}

function lost(spec: TaskSpec): GoferError {
  return new GoferError('TASK_LOST', `the attempt ${spec.attemptId} was started before and the Docker engine no longer has its container`);
}
