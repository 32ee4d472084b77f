import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { GoferError } from '@gofer/contracts';
import { collectOnce, ignoreLoss } from './collect-log.ts';
import { hasLog, logPaths } from './log-files.ts';
import { UID_LENGTH } from './log-segments.ts';
import type { CollectOptions, LogBatch, LogMasking, LogReadRequest, LogSeal, LogStat, LogStore, OpenLogSource } from './log-store.ts';
import type { LogCallKind, LogCalls, LogLane } from './protocol.ts';
import { LaneLost } from './protocol.ts';
import { MASKING_KEY_BYTES } from './sealed-state.ts';
import type { LogVerification } from './verify-log.ts';

/** A call is made again on a thread's successor, but not for ever: a thread that cannot live must be heard of. */
const MAX_LOSSES = 5;
const RAW_BLOCK_BYTES = 256 * 1024;

/** The log store over keepers of logs, wherever they run. An attempt always goes to the same lane: its log has one writer. */
export class LaneLogStore implements LogStore {
  readonly #directory: string;
  readonly #lanes: readonly LogLane[];
  readonly #endLanes: () => Promise<void>;
  readonly #collecting = new Map<string, Promise<void>>();
  readonly #readers = new Map<string, number>();
  readonly #closing = new AbortController();
  #nextReader = 0;
  #closed: Promise<void> | undefined;

  constructor(directory: string, lanes: readonly LogLane[], endLanes: () => Promise<void>) {
    this.#directory = directory;
    this.#lanes = lanes;
    this.#endLanes = endLanes;
  }

  async collect(attemptId: string, open: OpenLogSource, signal: AbortSignal, options: CollectOptions): Promise<LogSeal> {
    this.#assertIdle(attemptId, 'collected a second time');
    if (options.masking !== undefined && options.masking.key.length !== MASKING_KEY_BYTES)
      throw new GoferError('INVALID_ARGUMENT', `the key of a log's masking must have ${MASKING_KEY_BYTES} bytes`);
    const ended = Promise.withResolvers<void>();
    let current = attemptId;
    const goOnIn = (id: string): void => {
      this.#collecting.delete(current);
      current = id;
      this.#collecting.set(id, ended.promise);
    };
    goOnIn(attemptId);
    try {
      return await this.#collect(attemptId, open, AbortSignal.any([signal, this.#closing.signal]), watched(options, goOnIn));
    } finally {
      this.#collecting.delete(current);
      ended.resolve();
    }
  }

  async note(attemptId: string, text: string): Promise<void> {
    await this.#lane(attemptId).call('note', { attemptId, text }).catch(rethrowLoss);
  }

  async seal(attemptId: string, problem?: string): Promise<LogSeal> {
    this.#assertIdle(attemptId, 'sealed');
    return this.#callAgain(attemptId, 'seal', problem === undefined ? { attemptId } : { attemptId, problem });
  }

  async goOnBehind(attemptId: string, masking?: LogMasking): Promise<string> {
    return await this.#callAgain(attemptId, 'rollSealed', masking === undefined ? { attemptId } : { attemptId, masking });
  }

  async stat(attemptId: string): Promise<LogStat> {
    const live = this.#collecting.has(attemptId);
    try {
      return { ...(await this.#callAgain(attemptId, 'stat', { attemptId })), live };
    } catch (error) {
      // A source that has given nothing so far.
      if (live && error instanceof GoferError && error.code === 'NOT_FOUND') return { bytes: 0, lines: 0, live };
      throw error;
    }
  }

  async *read(attemptId: string, { signal, from: begin, ...request }: LogReadRequest): AsyncGenerator<LogBatch> {
    const lane = this.#lane(attemptId);
    const reader = this.#nextReader++;
    const ending = new AbortController();
    let from = begin;
    let losses = 0;
    const close = (): void => {
      ending.abort();
      // The answer to a parked call comes with this; a thread that is gone has no reader any more.
      lane.call('readClose', { reader }).catch(ignoreLoss);
    };
    this.#countReader(attemptId, 1);
    signal.addEventListener('abort', close, { once: true });
    this.#closing.signal.addEventListener('abort', close, { once: true });
    try {
      for (;;) {
        if (signal.aborted || this.#closing.signal.aborted)
          throw new GoferError('CANCELLED', `reading the log of attempt ${attemptId} was cancelled`);
        const expected = this.#collecting.has(attemptId);
        try {
          const start = from === undefined ? {} : { from };
          const batch = await lane.call('readNext', {
            reader,
            attemptId,
            expected,
            ...request,
            ...start,
          });
          if (ending.signal.aborted) continue;
          if (batch === null) return;
          losses = 0;
          if (!('format' in batch)) {
            if (batch.passedTo !== undefined) from = { cursor: batch.passedTo };
            continue;
          }
          from = { cursor: batch.cursor };
          yield batch;
        } catch (error) {
          if (!(error instanceof LaneLost)) throw error;
          if (++losses > MAX_LOSSES) rethrowLoss(error);
        }
      }
    } finally {
      signal.removeEventListener('abort', close);
      this.#closing.signal.removeEventListener('abort', close);
      if (!ending.signal.aborted) close();
      this.#countReader(attemptId, -1);
    }
  }

  async raw(attemptId: string, range?: { readonly start: number; readonly end?: number }): Promise<{ size: number; stream: Readable }> {
    // Before anything is awaited: from here on the file is needed.
    this.#countReader(attemptId, 1);
    try {
      const { bytes: size } = await this.stat(attemptId);
      const stream = this.#rawStream(attemptId, size, range?.start ?? 0, range?.end ?? size - 1);
      stream.once('close', () => this.#countReader(attemptId, -1));
      return { size, stream };
    } catch (error) {
      this.#countReader(attemptId, -1);
      throw error;
    }
  }

  readers(attemptId: string): number {
    return this.#readers.get(attemptId) ?? 0;
  }

  async verify(attemptId: string): Promise<LogVerification> {
    return await this.#callAgain(attemptId, 'verify', { attemptId });
  }

  async delete(attemptId: string): Promise<void> {
    this.#assertIdle(attemptId, 'deleted');
    await this.#callAgain(attemptId, 'delete', { attemptId });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #rawStream(attemptId: string, size: number, start: number, wantedEnd: number): Readable {
    const end = Math.min(wantedEnd, size - 1);
    if (start < 0 || (start >= size && size > 0))
      throw new GoferError('INVALID_ARGUMENT', `the log of attempt ${attemptId} has ${size} bytes; ${start} is behind its end`);
    if (end < start) return Readable.from([]);
    const { data } = logPaths(this.#directory, attemptId);
    return createReadStream(data, { start, end, highWaterMark: RAW_BLOCK_BYTES });
  }

  #countReader(attemptId: string, change: 1 | -1): void {
    const count = this.readers(attemptId) + change;
    if (count > 0) this.#readers.set(attemptId, count);
    else this.#readers.delete(attemptId);
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#collecting.values());
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    await this.#endLanes();
  }

  async #collect(firstId: string, open: OpenLogSource, signal: AbortSignal, options: CollectOptions): Promise<LogSeal> {
    const lane = this.#lane(firstId);
    let attemptId = firstId;
    // One look at the file system spares each new attempt a question to the thread.
    let isNew = !hasLog(logPaths(this.#directory, attemptId));
    let losses = 0;
    let resumedAt: string | undefined;
    const openAgain: OpenLogSource = (after, openSignal) => {
      // Only losses without any progress between them count.
      if (after !== resumedAt) losses = 0;
      resumedAt = after;
      return open(after, openSignal);
    };
    for (;;) {
      try {
        return await collectOnce(lane.session(), { attemptId, open: openAgain, signal, isNew, ...options });
      } catch (error) {
        if (!(error instanceof LaneLost)) throw error;
        if (++losses > MAX_LOSSES) rethrowLoss(error);
        isNew = false;
        attemptId = (await options.cut?.last()) ?? attemptId;
      }
    }
  }

  /** For calls that may be made twice. */
  async #callAgain<Kind extends LogCallKind>(
    attemptId: string,
    kind: Kind,
    takes: LogCalls[Kind]['takes'],
  ): Promise<LogCalls[Kind]['gives']> {
    const lane = this.#lane(attemptId);
    for (let losses = 0; ; ) {
      try {
        return await lane.call(kind, takes);
      } catch (error) {
        if (!(error instanceof LaneLost)) throw error;
        if (++losses > MAX_LOSSES) rethrowLoss(error);
      }
    }
  }

  #lane(attemptId: string): LogLane {
    if (this.#closing.signal.aborted) throw new GoferError('UNAVAILABLE', 'the log store is closed');
    let hash = 0;
    // What is cut into several logs is one thread's.
    for (let index = Math.max(0, attemptId.length - UID_LENGTH); index < attemptId.length; index++)
      hash = (hash * 31 + attemptId.charCodeAt(index)) >>> 0;
    const lane = this.#lanes[hash % this.#lanes.length];
    if (lane === undefined) throw new GoferError('INTERNAL', 'a log store needs at least one lane');
    return lane;
  }

  #assertIdle(attemptId: string, what: string): void {
    if (this.#collecting.has(attemptId))
      throw new GoferError('FAILED_PRECONDITION', `the log of attempt ${attemptId} is being collected and cannot be ${what}`);
  }
}

/** `goOnIn` hears of each log that output goes on in. */
function watched(options: CollectOptions, goOnIn: (id: string) => void): CollectOptions {
  const { cut } = options;
  if (cut === undefined) return options;
  const done = async (id: string): Promise<void> => {
    goOnIn(id);
    await cut.done(id);
  };
  const last = async (): Promise<string> => {
    const id = await cut.last();
    goOnIn(id);
    return id;
  };
  return { ...options, cut: { bytes: cut.bytes, begins: () => cut.begins(), done, last } };
}

function rethrowLoss(error: unknown): never {
  if (error instanceof LaneLost) throw new GoferError('UNAVAILABLE', error.message, { cause: error });
  throw error;
}
