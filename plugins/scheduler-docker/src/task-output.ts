/**
 * The output of one task, put together from two sources: the live connection as long as there is one, then the engine's log. Why
 * there are two, and what each is good for, is in docs/adr/0007-docker-log-source.md.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { LogChunk } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { Container } from './container-state.ts';
import { stateOf } from './container-state.ts';
import type { Engine } from './engine.ts';
import { ConnectionLost, isStatus } from './engine-error.ts';
import type { ExitWatch } from './exit-watch.ts';
import type { LiveOutput, OutputPiece } from './live-output.ts';
import type { OutputPosition } from './output-position.ts';
import { advance, reaches, toCursor } from './output-position.ts';
import { readLog } from './stored-output.ts';

/** How long an ended connection may be ahead of its container's end before it counts as broken. */
const END_WITHIN_MS = 2_000;
/** Between two passes over a log that gave nothing new. */
const IDLE_PASS_MS = 500;
/** How long a source may be silent, once the task has ended, before it is given up and the log is read instead. */
const SILENT_AT_MOST_MS = 5_000;

export class TaskOutput {
  readonly #engine: Engine;
  readonly #watch: ExitWatch;
  readonly #id: string;
  #position: OutputPosition;

  constructor(engine: Engine, watch: ExitWatch, id: string, from: OutputPosition) {
    this.#engine = engine;
    this.#watch = watch;
    this.#id = id;
    this.#position = from;
  }

  /** Everything behind what was read so far. */
  get position(): OutputPosition {
    return this.#position;
  }

  /** Reads the live connection from its first byte; true if that was the whole output, false if the log has to be read on. */
  async *live(output: LiveOutput, signal: AbortSignal): AsyncGenerator<LogChunk, boolean> {
    const isWhole = yield* this.#unlessSilent(signal, (listening) => this.#received(output, listening));
    if (!isWhole || output.lost) return false;
    // Nor can it be told from that of an engine that died before another one started the container.
    if (this.#position.stdout + this.#position.stderr === 0) return false;
    const over = new AbortController();
    const patience = AbortSignal.any([signal, over.signal]);
    try {
      const ended = this.#watch.ending(this.#id, patience).then(() => !this.#watch.wasInterrupted(this.#id));
      const late = delay(END_WITHIN_MS, false, { signal: patience });
      // Whichever comes second is aborted.
      ended.catch(() => undefined);
      late.catch(() => undefined);
      return await Promise.race([ended, late]);
    } finally {
      over.abort();
    }
  }

  /** Reads what the log holds now, and no less than `atLeast`, which the engine has given already and may yet have to write. */
  async *stored(atLeast: OutputPosition, signal: AbortSignal): AsyncGenerator<LogChunk> {
    yield* this.#pass(false, signal);
    if (reaches(this.#position, atLeast) || (await this.#hasEnded(signal))) return;
    for await (const chunk of this.#pass(true, signal)) {
      yield chunk;
      if (reaches(this.#position, atLeast)) return;
    }
  }

  /**
   * Reads the log until the task has ended and its last byte was read. Rejects with `DATA_LOSS` at the end of a log that need not have all
   * that the task wrote.
   */
  async *followed(signal: AbortSignal): AsyncGenerator<LogChunk> {
    for (;;) {
      try {
        const ended = await this.#hasEnded(signal);
        const before = this.#position;
        if (ended) yield* this.#pass(false, signal);
        else yield* this.#unlessSilent(signal, (listening) => this.#pass(true, listening));
        if (ended) return await this.#checkWhole(signal);
        if (this.#position === before) await this.#pause(signal);
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        await this.#engine.whenReachable(signal);
      }
    }
  }

  async *#received(output: LiveOutput, signal: AbortSignal): AsyncGenerator<LogChunk> {
    for (let piece = await output.next(signal); piece !== undefined; piece = await output.next(signal)) yield this.#chunk(piece);
  }

  /**
   * What a source gives until its end. False where it was given up, because the task has ended and the source does not: an engine may
   * forget to end it, and what is missing is in the log.
   */
  async *#unlessSilent(signal: AbortSignal, source: (signal: AbortSignal) => AsyncGenerator<LogChunk>): AsyncGenerator<LogChunk, boolean> {
    const [over, silent] = [new AbortController(), new AbortController()];
    let hasEnded = false;
    let timer: NodeJS.Timeout | undefined;
    const listen = (): void => {
      if (hasEnded) timer = setTimeout(() => silent.abort(), SILENT_AT_MOST_MS);
    };
    let isListening = true;
    this.#watch.ending(this.#id, AbortSignal.any([signal, over.signal])).then(
      () => {
        hasEnded = true;
        if (isListening) listen();
      },
      // Without that the source ends by itself, as it should; what is wrong is heard by whoever waits for the task.
      () => undefined,
    );
    try {
      for await (const chunk of source(AbortSignal.any([signal, silent.signal]))) {
        isListening = false;
        clearTimeout(timer);
        yield chunk;
        isListening = true;
        listen();
      }
      return true;
    } catch (error) {
      if (!silent.signal.aborted || signal.aborted) throw error;
      return false;
    } finally {
      over.abort();
      clearTimeout(timer);
    }
  }

  /** What a task writes while its engine is dead lies in a pipe; what had been taken from there and not yet written down died with it. */
  async #checkWhole(signal: AbortSignal): Promise<void> {
    await this.#watch.ending(this.#id, signal);
    if (!this.#watch.wasUnattended(this.#id)) return;
    throw new GoferError('DATA_LOSS', 'the Docker engine died while the task ran, and what it wrote then may be missing');
  }

  async *#pass(follow: boolean, signal: AbortSignal): AsyncGenerator<LogChunk> {
    try {
      for await (const piece of readLog(this.#engine, this.#id, this.#position, follow, signal)) yield this.#chunk(piece);
    } catch (error) {
      throw isStatus(error, 404) ? notFound(this.#id) : error;
    }
  }

  async #hasEnded(signal: AbortSignal): Promise<boolean> {
    try {
      const container = await this.#engine.json<Container>({
        method: 'GET',
        path: `/containers/${this.#id}/json`,
        signal,
      });
      return stateOf(container.State.Status) !== 'running';
    } catch (error) {
      throw isStatus(error, 404) ? notFound(this.#id) : error;
    }
  }

  /** Until the task ends, or for a moment: a follow that ends at once must not become a busy loop. */
  async #pause(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const patience = AbortSignal.any([signal, over.signal]);
    const ended = this.#watch.ending(this.#id, patience);
    const idle = delay(IDLE_PASS_MS, undefined, { signal: patience });
    // Whichever comes second is aborted.
    ended.catch(() => undefined);
    idle.catch(() => undefined);
    try {
      await Promise.race([ended, idle]);
    } finally {
      over.abort();
    }
  }

  #chunk({ stream, time, bytes }: OutputPiece): LogChunk {
    this.#position = advance(this.#position, stream, bytes.length);
    return { stream, time, bytes, cursor: toCursor(this.#position) };
  }
}

export function notFound(id: string): GoferError {
  return new GoferError('NOT_FOUND', `the Docker engine does not know the container ${id.slice(0, 12)}: it was removed`);
}
