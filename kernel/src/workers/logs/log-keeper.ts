import { existsSync } from 'node:fs';
import { GoferError } from '@gofer/contracts';
import { dataSize, isErrno, logPaths, removeLog } from './log-files.ts';
import type { LogProgress } from './log-reader.ts';
import { LogReader } from './log-reader.ts';
import { nextSegment } from './log-segments.ts';
import type { LogBatch, LogSeal } from './log-store.ts';
import { LogWriter } from './log-writer.ts';
import type { LogAnswer, LogCall, LogCalls } from './protocol.ts';
import { readSeal } from './read-seal.ts';
import { verifyLog } from './verify-log.ts';

interface Reading {
  readonly attemptId: string;
  readonly reader: LogReader;
  /** The call that waits for output. */
  waiting?: PromiseWithResolvers<LogBatch | LogProgress | null>;
}

/**
 * Keeps the logs of one directory, or those of it that are pinned to this thread: for every attempt at most one writer, and any number
 * of readers that it wakes. It blocks while it writes and reads, and so belongs on a thread of its own.
 */
export class LogKeeper {
  readonly #directory: string;
  readonly #now: () => number;
  readonly #writers = new Map<string, LogWriter>();
  /** The writers that someone writes with; the others were opened for the sake of readers. */
  readonly #claimed = new Set<string>();
  readonly #readings = new Map<number, Reading>();
  readonly #readersOf = new Map<string, Set<number>>();

  constructor(directory: string, now: () => number = Date.now) {
    this.#directory = directory;
    this.#now = now;
  }

  handle(call: LogCall): LogAnswer | Promise<LogAnswer> {
    switch (call.kind) {
      case 'open':
        return this.#openForSource(call);
      case 'append':
        return this.#append(call);
      case 'roll':
        return this.#roll(call);
      case 'rollSealed':
        return this.#rollSealed(call);
      case 'note':
        return this.#note(call);
      case 'seal':
        return this.#seal(call);
      case 'release':
        return this.#release(call.attemptId);
      case 'stat':
        return this.#stat(call.attemptId);
      case 'readNext':
        return this.#readNext(call);
      case 'readClose':
        return this.#readClose(call.reader);
      case 'verify':
        return verifyLog(logPaths(this.#directory, call.attemptId), this.#writers.get(call.attemptId));
      case 'delete':
        return this.#delete(call.attemptId);
    }
  }

  /** Closes every file. Open logs can be resumed by another keeper. */
  close(): void {
    for (const reader of this.#readings.keys()) this.#readClose(reader);
    for (const writer of this.#writers.values()) writer.close();
    this.#writers.clear();
    this.#claimed.clear();
  }

  #openForSource({ attemptId, masking }: LogCalls['open']['takes']): LogCalls['open']['gives'] {
    const log = this.#claim(attemptId);
    if (!(log instanceof LogWriter)) return { seal: log };
    try {
      log.mask(attemptId, masking);
    } catch (error) {
      this.#release(attemptId);
      throw error;
    }
    return log.cursor === undefined ? {} : { cursor: log.cursor };
  }

  #append({ attemptId, bytes, marks }: LogCalls['append']['takes']): LogCalls['append']['gives'] {
    const log = this.#openLog(attemptId);
    log.append(bytes, marks);
    this.#wake(attemptId, false);
    return log.size;
  }

  #roll({ attemptId }: LogCalls['roll']['takes']): LogCalls['roll']['gives'] {
    const log = this.#openLog(attemptId);
    // Its name would be this one's, or say the same.
    if (log.lines === 0) return null;
    const into = nextSegment(attemptId, log.lines);
    const next = log.continueIn(logPaths(this.#directory, into), into, this.#now());
    if (next === undefined) return null;
    this.#writers.set(into, next);
    this.#claimed.add(into);
    this.#writers.delete(attemptId);
    this.#claimed.delete(attemptId);
    this.#wake(attemptId, true);
    return { into, bytes: next.size.bytes };
  }

  #rollSealed({ attemptId, masking }: LogCalls['rollSealed']['takes']): string {
    const paths = logPaths(this.#directory, attemptId);
    const seal = readSeal(paths);
    if (typeof seal !== 'object' || seal.lines === 0)
      throw new GoferError('FAILED_PRECONDITION', `the log of attempt ${attemptId} is not sealed, or has no line to go on behind`);
    const nextId = nextSegment(attemptId, seal.lines);
    LogWriter.beginBehind(paths, logPaths(this.#directory, nextId), { id: attemptId, nextId, masking, time: this.#now() });
    return nextId;
  }

  #note({ attemptId, text }: LogCalls['note']['takes']): null {
    this.#openLog(attemptId).note(text, this.#now());
    this.#wake(attemptId, false);
    return null;
  }

  #seal({ attemptId, problem }: LogCalls['seal']['takes']): LogSeal {
    const log = this.#claim(attemptId);
    if (!(log instanceof LogWriter)) return log;
    try {
      return log.seal(this.#now(), problem);
    } finally {
      this.#writers.delete(attemptId);
      this.#claimed.delete(attemptId);
      this.#wake(attemptId, true);
    }
  }

  #release(attemptId: string): null {
    this.#claimed.delete(attemptId);
    this.#forgetIdle(attemptId);
    return null;
  }

  #stat(attemptId: string): LogCalls['stat']['gives'] {
    const log = this.#log(attemptId, false);
    if (log === undefined) throw noLog(attemptId);
    const { bytes, lines } = log;
    this.#forgetIdle(attemptId);
    if (log instanceof LogWriter) return { bytes, lines };
    return { bytes: Math.min(bytes, dataSize(logPaths(this.#directory, attemptId)) ?? 0), lines, seal: log };
  }

  #readNext(call: LogCalls['readNext']['takes']): LogCalls['readNext']['gives'] | Promise<LogCalls['readNext']['gives']> {
    const { attemptId, reader: id, follow } = call;
    const reading = this.#readings.get(id) ?? this.#startReading(call);
    const batch = this.#nextBatch(id, reading);
    if (batch !== undefined) return batch;
    if (!follow || !this.#writers.has(attemptId) || reading.reader.isPastEnd) {
      this.#assertWhole(id, reading);
      this.#readClose(id);
      return null;
    }
    reading.waiting = Promise.withResolvers();
    return reading.waiting.promise;
  }

  /** A writer's index may grow behind a reader; a sealed one ends where the reader has ended. */
  #assertWhole(id: number, { attemptId, reader }: Reading): void {
    if (this.#writers.has(attemptId)) return;
    try {
      reader.assertWhole();
    } catch (error) {
      this.#readClose(id);
      throw error;
    }
  }

  #startReading({ attemptId, reader: id, expected, ...request }: LogCalls['readNext']['takes']): Reading {
    // An open log is opened for writing first: that cuts what a crash left, before anyone reads it.
    const log = this.#log(attemptId, expected);
    if (log === undefined) throw noLog(attemptId);
    if (log instanceof LogWriter) log.touch();
    const reading = { attemptId, reader: this.#openReader(attemptId, request) };
    this.#readings.set(id, reading);
    const readers = this.#readersOf.get(attemptId) ?? new Set();
    this.#readersOf.set(attemptId, readers.add(id));
    return reading;
  }

  #openReader(attemptId: string, request: ConstructorParameters<typeof LogReader>[1]): LogReader {
    try {
      return new LogReader(logPaths(this.#directory, attemptId), request);
    } catch (error) {
      this.#forgetIdle(attemptId);
      // Only half of it is left where a removal was interrupted.
      throw isErrno(error, 'ENOENT') ? noLog(attemptId) : error;
    }
  }

  #readClose(id: number, outcome?: GoferError): null {
    const reading = this.#readings.get(id);
    if (reading === undefined) return null;
    this.#readings.delete(id);
    reading.reader.close();
    const readers = this.#readersOf.get(reading.attemptId);
    readers?.delete(id);
    if (readers?.size === 0) this.#readersOf.delete(reading.attemptId);
    this.#forgetIdle(reading.attemptId);
    if (outcome === undefined) reading.waiting?.resolve(null);
    else reading.waiting?.reject(outcome);
    return null;
  }

  #delete(attemptId: string): null {
    const paths = logPaths(this.#directory, attemptId);
    this.#writers.get(attemptId)?.close();
    this.#writers.delete(attemptId);
    this.#claimed.delete(attemptId);
    const gone = new GoferError('GONE', `the log of attempt ${attemptId} was deleted while it was read`);
    for (const id of this.#readersOf.get(attemptId) ?? []) this.#readClose(id, gone);
    removeLog(paths);
    return null;
  }

  /** Hands the waiting readers what there is now. At the end of a log those that have it all learn so. */
  #wake(attemptId: string, ended: boolean): void {
    for (const id of this.#readersOf.get(attemptId) ?? []) {
      const reading = this.#readings.get(id);
      const waiting = reading?.waiting;
      if (reading === undefined || waiting === undefined) continue;
      delete reading.waiting;
      try {
        const batch = this.#nextBatch(id, reading);
        if (batch === undefined && !ended && !reading.reader.isPastEnd) {
          reading.waiting = waiting;
          continue;
        }
        if (batch === undefined) this.#assertWhole(id, reading);
        waiting.resolve(batch ?? null);
        if (batch === undefined) this.#readClose(id);
      } catch (error) {
        waiting.reject(error);
      }
    }
  }

  #nextBatch(id: number, reading: Reading): LogBatch | LogProgress | undefined {
    try {
      return reading.reader.next();
    } catch (error) {
      this.#readClose(id);
      throw error;
    }
  }

  #openLog(attemptId: string): LogWriter {
    const log = this.#claim(attemptId);
    if (log instanceof LogWriter) return log;
    throw new GoferError('FAILED_PRECONDITION', `the log of attempt ${attemptId} is sealed; nothing can be added`);
  }

  /** The writer of an open log, the seal of one that has ended, undefined where there is none and `create` does not ask for it. */
  #log(attemptId: string, create: true): LogWriter | LogSeal;
  #log(attemptId: string, create: boolean): LogWriter | LogSeal | undefined;
  #log(attemptId: string, create: boolean): LogWriter | LogSeal | undefined {
    const known = this.#writers.get(attemptId);
    if (known !== undefined) return known;
    const paths = logPaths(this.#directory, attemptId);
    const seal = readSeal(paths);
    if (typeof seal === 'object') return seal;
    const exists = seal === undefined || existsSync(paths.data);
    if (!exists && !create) return undefined;
    const writer = exists ? LogWriter.resume(paths) : LogWriter.create(paths);
    this.#writers.set(attemptId, writer);
    return writer;
  }

  /** As `#log`, for someone who writes: the writer stays until it is sealed or released. */
  #claim(attemptId: string): LogWriter | LogSeal {
    const log = this.#log(attemptId, true);
    if (log instanceof LogWriter) this.#claimed.add(attemptId);
    return log;
  }

  /** Closes a writer that nobody writes with or waits for. */
  #forgetIdle(attemptId: string): void {
    if (this.#claimed.has(attemptId) || this.#readersOf.has(attemptId)) return;
    this.#writers.get(attemptId)?.close();
    this.#writers.delete(attemptId);
  }
}

function noLog(attemptId: string): GoferError {
  return new GoferError('NOT_FOUND', `there is no log of attempt ${attemptId}`);
}
