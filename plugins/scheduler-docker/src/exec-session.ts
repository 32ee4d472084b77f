/** One more command inside a running container. */
import type { Duplex } from 'node:stream';
import type { ExecInput, ExecOutput, ExecRequest } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { Engine } from './engine.ts';
import { EngineError, isStatus } from './engine-error.ts';
import { FrameSplitter, ownBytes } from './output-frames.ts';

/**
 * Rejects with `FAILED_PRECONDITION` where the task does not run. The engine has no way to end the command: when the reader leaves, its
 * input ends, and it goes with the task at the latest.
 */
export async function* execSession(
  engine: Engine,
  containerId: string,
  request: ExecRequest,
  signal: AbortSignal,
  input: AsyncIterable<ExecInput> | undefined,
): AsyncGenerator<ExecOutput> {
  const id = await createExec(engine, containerId, request, signal, input !== undefined);
  const body = { Detach: false, Tty: request.tty };
  const socket = await engine.hijack({ method: 'POST', path: `/exec/${id}/start`, body, signal }).catch(notRunning);
  const typing = input === undefined ? undefined : new Typing(engine, id, socket, input, request.tty);
  try {
    const frames = new FrameSplitter();
    for await (const part of engine.read(socket, signal)) {
      const items: ExecOutput[] = [];
      if (request.tty) items.push({ kind: 'data', stream: 'stdout', bytes: ownBytes(part) });
      else frames.push(part, (stream, bytes) => items.push({ kind: 'data', stream, bytes: ownBytes(bytes) }));
      yield* items;
      typing?.throwIfFailed();
    }
    typing?.throwIfFailed();
    yield { kind: 'exit', exitCode: await exitCode(engine, id, signal) };
  } finally {
    socket.destroy();
    await typing?.stop();
  }
}

async function createExec(engine: Engine, containerId: string, request: ExecRequest, signal: AbortSignal, input: boolean): Promise<string> {
  const body = {
    AttachStdin: input,
    AttachStdout: true,
    AttachStderr: true,
    Tty: request.tty,
    Cmd: request.command,
  };
  const created = await engine
    .json<{ Id: string }>({
      method: 'POST',
      path: `/containers/${containerId}/exec`,
      body,
      signal,
    })
    .catch(notRunning);
  return created.Id;
}

async function exitCode(engine: Engine, id: string, signal: AbortSignal): Promise<number> {
  const exec = await engine
    .json<{ Running: boolean; ExitCode: number | null }>({
      method: 'GET',
      path: `/exec/${id}/json`,
      signal,
    })
    .catch(notRunning);
  if (exec.Running || exec.ExitCode === null)
    throw new GoferError('UNAVAILABLE', 'the connection to the command in the task broke; the command may still run');
  return exec.ExitCode;
}

function notRunning(error: unknown): never {
  if (isStatus(error, 404, 409)) throw new GoferError('FAILED_PRECONDITION', `the task does not run: ${error.message}`, { cause: error });
  throw error;
}

/** Carries what the user types to the command, until the command or the input ends. */
class Typing {
  #terminal: boolean;
  #input: AsyncIterator<ExecInput>;
  #stopped = Promise.withResolvers<undefined>();
  #failure: { readonly error: unknown } | undefined;
  #done: Promise<void>;

  constructor(engine: Engine, execId: string, socket: Duplex, input: AsyncIterable<ExecInput>, terminal: boolean) {
    this.#terminal = terminal;
    this.#input = input[Symbol.asyncIterator]();
    this.#done = this.#run(engine, execId, socket).catch((error: unknown) => {
      this.#failure = { error };
      socket.destroy();
    });
  }

  /** An input that fails is the caller's failure. */
  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async stop(): Promise<void> {
    this.#stopped.resolve(undefined);
    // Not awaited: an input that waits for a key would never return.
    void this.#input.return?.().catch(() => undefined);
    await this.#done;
  }

  async #run(engine: Engine, execId: string, socket: Duplex): Promise<void> {
    for (;;) {
      const next = await Promise.race([this.#input.next(), this.#stopped.promise]);
      if (next === undefined || socket.destroyed) return;
      if (next.done === true) {
        // A terminal has no end, only a key for it; the engine would cut its output off.
        if (!this.#terminal) socket.end();
        return;
      }
      if (next.value.kind === 'data') await this.#write(socket, next.value.bytes);
      else await resize(engine, execId, next.value.columns, next.value.rows);
    }
  }

  async #write(socket: Duplex, bytes: Uint8Array): Promise<void> {
    if (socket.write(bytes)) return;
    const { promise: drained, resolve } = Promise.withResolvers<undefined>();
    const drain = (): void => resolve(undefined);
    socket.once('drain', drain);
    await Promise.race([drained, this.#stopped.promise]);
    socket.off('drain', drain);
  }
}

async function resize(engine: Engine, execId: string, columns: number, rows: number): Promise<void> {
  try {
    await engine.json({
      method: 'POST',
      path: `/exec/${execId}/resize`,
      query: { h: String(rows), w: String(columns) },
    });
  } catch (error) {
    // The command has ended meanwhile, or has no terminal: a size means nothing to it.
    if (!(error instanceof EngineError)) throw error;
  }
}
