/** Logs that must not grow without end: each is cut into segments, and the oldest go when there is more than may be kept. */
import { statSync } from 'node:fs';
import { codeOf, GoferError } from '@gofer/contracts';
import { SEAL_SLOT_BYTES } from './index-format.ts';
import { logPaths } from './log-files.ts';
import { type LogSegment, listSegments } from './log-segments.ts';
import type { CollectOptions, LogBatch, LogMasking, LogReadRequest, LogSeal, LogStat, LogStore, OpenLogSource } from './log-store.ts';

export interface BoundedLogsParts {
  readonly logs: LogStore;
  /** That of `logs`. */
  readonly directory: string;
  /** Of one log, with its indexes; what comes at once may be more, for a while. */
  readonly maxBytes: number;
  /** Stands in the words that tell where lines were dropped. */
  readonly setting: string;
}

export interface BoundedReadRequest extends Pick<LogReadRequest, 'follow' | 'format' | 'signal'> {
  /** A cursor of a batch; goes on behind it, or with what is left behind it. */
  readonly after?: string;
  /** Not heeded with `after`. */
  readonly tail?: number;
  readonly cursorPrefix?: string;
}

/** `seal` is that of the newest segment. */
export interface BoundedStat extends LogStat {
  /** Lines that were there and are not any more. */
  readonly dropped: number;
}

interface Collecting {
  /** Resolves once the store knows of it, so that what reads it waits for its first word. */
  readonly begun: Promise<void>;
  /** So that nobody has to look for them; undefined while they may change. */
  segments: readonly LogSegment[] | undefined;
}

interface Place {
  readonly segment: LogSegment;
  readonly from?: { readonly cursor: string };
  readonly tail?: number;
  /** The number of the line that would follow what the reader has; undefined: whichever comes is the first. */
  readonly line: number | undefined;
}

const SEGMENTS = 8;

export class BoundedLogs {
  readonly #parts: BoundedLogsParts;
  readonly #collecting = new Map<string, Collecting>();

  constructor(parts: BoundedLogsParts) {
    this.#parts = parts;
  }

  /** As `LogStore.collect`; but one that is sealed is gone on with, as its source is there. */
  async collect(uid: string, open: OpenLogSource, signal: AbortSignal, options: Omit<CollectOptions, 'cut'>): Promise<LogSeal> {
    const { logs, maxBytes } = this.#parts;
    if (this.#collecting.has(uid)) throw busy(uid, 'collected a second time');
    const begun = Promise.withResolvers<void>();
    const collecting: Collecting = { begun: begun.promise, segments: undefined };
    this.#collecting.set(uid, collecting);
    const change = async <Value>(how: () => Promise<Value>): Promise<Value> => {
      collecting.segments = undefined;
      const value = await how();
      const segments = listSegments(this.#parts.directory, uid);
      // It has no files before its first word.
      collecting.segments = segments.length === 0 ? [{ id: uid, first: 0 }] : segments;
      return value;
    };
    const cut = {
      bytes: Math.ceil(maxBytes / SEGMENTS),
      begins: () => void (collecting.segments = undefined),
      done: () => change(() => this.#drop(uid)),
      last: () => change(() => this.#lastToWrite(uid)),
    };
    try {
      const id = await change(() => this.#lastToCollect(uid, options.masking));
      const collected = logs.collect(id, open, signal, { ...options, cut });
      begun.resolve();
      return await collected;
    } finally {
      begun.resolve();
      this.#collecting.delete(uid);
    }
  }

  /** As `LogStore.note`. */
  async note(uid: string, text: string): Promise<void> {
    await this.#collecting.get(uid)?.begun;
    for (let last = await this.#lastToWrite(uid); ; ) {
      try {
        return await this.#parts.logs.note(last, text);
      } catch (error) {
        const now = await this.#lastToWrite(uid);
        // It was cut in between.
        if (codeOf(error) !== 'FAILED_PRECONDITION' || now === last) throw error;
        last = now;
      }
    }
  }

  /** As `LogStore.seal`. */
  async seal(uid: string, problem?: string): Promise<LogSeal> {
    if (this.#collecting.has(uid)) throw busy(uid, 'sealed');
    return await this.#parts.logs.seal(await this.#lastToWrite(uid), problem);
  }

  /** Rejects with `NOT_FOUND` where there is no log. */
  async stat(uid: string): Promise<BoundedStat> {
    await this.#collecting.get(uid)?.begun;
    const segments = this.#segments(uid);
    const live = this.#collecting.has(uid);
    const [oldest, newest] = [segments[0], segments.at(-1)];
    if (oldest === undefined || newest === undefined) {
      if (live) return { bytes: 0, lines: 0, dropped: 0, live };
      throw new GoferError('NOT_FOUND', `there is no log of ${uid}`);
    }
    let bytes = 0;
    for (const { id } of segments.slice(0, -1)) bytes += (await this.#statOf(id))?.bytes ?? 0;
    const last = await this.#parts.logs.stat(newest.id);
    // It was gone on from just now, and its seal is not that of the log.
    if (live && last.seal !== undefined && this.#segments(uid).at(-1)?.id !== newest.id) return await this.stat(uid);
    return { ...last, bytes: bytes + last.bytes, lines: newest.first + last.lines - oldest.first, dropped: oldest.first, live };
  }

  /**
   * As `LogStore.read`. Where lines were dropped that the reader would have had, a line in their place says so. Rejects with
   * `INVALID_ARGUMENT` for a cursor that is not one of this log.
   */
  async *read(uid: string, { after, tail, signal, ...form }: BoundedReadRequest): AsyncGenerator<LogBatch> {
    const { logs } = this.#parts;
    await this.#collecting.get(uid)?.begun;
    const begun = this.#segments(uid);
    // Without it a reader of an endless log would never be done.
    const until = form.follow ? undefined : begun.at(-1)?.first;
    let place: Place | undefined = await this.#begin(uid, begun, { after, tail });
    while (place !== undefined) {
      const { segment, from, tail: last }: Place = place;
      let { line }: Place = place;
      const name = `${segment.first}.`;
      const prefix = `${form.cursorPrefix ?? ''}${name}`;
      if (line !== undefined && line < segment.first) yield this.#notice(segment.first - line, segment.first, form);
      let gone: { readonly error: unknown } | undefined;
      try {
        const select = last === undefined ? {} : { select: { tail: last } };
        const start = from === undefined ? {} : { from };
        const request = { ...form, signal, ...select, ...start, cursorPrefix: prefix, lineOffset: segment.first };
        for await (const batch of logs.read(segment.id, request)) {
          line = batch.firstLine + batch.count;
          yield { ...batch, cursor: name + batch.cursor };
        }
      } catch (error) {
        if (codeOf(error) !== 'GONE' && codeOf(error) !== 'NOT_FOUND') throw error;
        gone = { error };
        line ??= segment.first;
      }
      if (segment.first === until) return;
      const next: LogSegment | undefined = this.#segments(uid).find(({ first }) => first > segment.first);
      if (next === undefined && gone !== undefined) throw gone.error;
      place = next === undefined ? undefined : { segment: next, line: line ?? next.first };
    }
  }

  /** As `LogStore.delete`. */
  async delete(uid: string): Promise<void> {
    if (this.#collecting.has(uid)) throw busy(uid, 'deleted');
    for (const { id } of this.#segments(uid)) await this.#parts.logs.delete(id);
  }

  async #begin(uid: string, segments: readonly LogSegment[], { after, tail }: Pick<Wanted, 'after' | 'tail'>): Promise<Place> {
    const [oldest = { id: uid, first: 0 }] = segments;
    if (after !== undefined) return behind(after, segments, uid);
    if (tail === undefined) return { segment: oldest, line: 0 };
    let left = tail;
    for (const segment of segments.toReversed()) {
      const lines = (await this.#statOf(segment.id))?.lines ?? 0;
      if (lines >= left) return { segment, tail: left, line: undefined };
      left -= lines;
    }
    return { segment: oldest, line: 0 };
  }

  #notice(lines: number, firstLine: number, form: Pick<BoundedReadRequest, 'format' | 'cursorPrefix'>): LogBatch {
    const { maxBytes, setting } = this.#parts;
    const what = lines === 1 ? '1 line was' : `${lines} lines were`;
    // Behind it the segment begins.
    return noticeOf(`${what} dropped here: this log is kept to the last ${maxBytes} bytes (${setting})`, firstLine, `${firstLine}.`, form);
  }

  /** Removes the oldest segments until there is room for one more. */
  async #drop(uid: string): Promise<void> {
    const { logs, maxBytes } = this.#parts;
    const segments = this.#segments(uid);
    let kept = Math.ceil(maxBytes / SEGMENTS);
    // The newest has that room.
    for (const [index, { id }] of segments.slice(0, -1).toReversed().entries()) {
      kept += this.#bytesOnDisk(id);
      if (kept <= maxBytes) continue;
      for (const old of segments.slice(0, segments.length - 1 - index)) await logs.delete(old.id);
      return;
    }
  }

  /** The segment to write into. One before it that is not sealed was about to be gone on from, and has all that this one has. */
  async #lastToWrite(uid: string): Promise<string> {
    const segments = this.#segments(uid);
    const [before, newest] = [segments.at(-2), segments.at(-1)];
    if (newest === undefined || before === undefined) return newest?.id ?? uid;
    const stat = await this.#statOf(before.id);
    // One that was dropped just now was sealed. Behind one that had been sealed before, it may not have come to its first word.
    if ((stat === undefined || stat.seal !== undefined) && this.#bytesOnDisk(newest.id) > SEAL_SLOT_BYTES) return newest.id;
    await this.#parts.logs.delete(newest.id);
    return before.id;
  }

  /** The same for a source that goes on: a seal was not the last word. One without a line is nothing to go on behind. */
  async #lastToCollect(uid: string, masking: LogMasking | undefined): Promise<string> {
    const { logs } = this.#parts;
    for (;;) {
      const last = await this.#lastToWrite(uid);
      const seal = (await this.#statOf(last))?.seal;
      if (seal === undefined) return last;
      if (seal.lines > 0) return await logs.goOnBehind(last, masking);
      await logs.delete(last);
    }
  }

  #segments(uid: string): readonly LogSegment[] {
    return this.#collecting.get(uid)?.segments ?? listSegments(this.#parts.directory, uid);
  }

  async #statOf(id: string): Promise<LogStat | undefined> {
    try {
      return await this.#parts.logs.stat(id);
    } catch (error) {
      if (codeOf(error) === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  #bytesOnDisk(id: string): number {
    const { data, index } = logPaths(this.#parts.directory, id);
    return [data, index].reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
  }
}

/** The cursor of the beginning of a log, whatever of it is left. */
export const LOG_BEGINNING = '0.';

/** A line that is not in the log but tells its reader of it; it counts as none. */
export function noticeOf(
  text: string,
  firstLine: number,
  cursor: string,
  { format, cursorPrefix = '' }: Pick<BoundedReadRequest, 'format' | 'cursorPrefix'>,
): LogBatch {
  const position = { firstLine, count: 0, cursor };
  const time = Date.now();
  if (format === 'json') {
    const message = { cursor: cursorPrefix + cursor, firstLine, lines: [{ stream: 'gofer', time, text }] };
    return { ...position, format, json: new TextEncoder().encode(JSON.stringify(message)) };
  }
  const bytes = new TextEncoder().encode(`${text}\n`);
  return { ...position, format, text: bytes, ends: Uint32Array.of(bytes.length), runs: [{ stream: 'gofer', time, lines: 1 }] };
}

type Wanted = { readonly [Key in 'after' | 'tail']: BoundedReadRequest[Key] | undefined };

/** A cursor is that of the segment's own behind the number of its first line; nothing behind that is the segment's beginning. */
function behind(after: string, segments: readonly LogSegment[], uid: string): Place {
  const [, number, cursor = '', line] = /^(\d{1,15})\.((?:[0-9a-z]{1,11}\.){3}([0-9a-z]{1,11}))?$/.exec(after) ?? [];
  const first = Number(number);
  const segment = segments.find((each) => each.first >= first) ?? (first === 0 ? { id: uid, first } : undefined);
  if (number === undefined || segment === undefined)
    throw new GoferError('INVALID_ARGUMENT', `${JSON.stringify(after.slice(0, 80))} is not a cursor of this log`);
  const from = segment.first === first && cursor !== '' ? { from: { cursor } } : {};
  return { segment, ...from, line: first + (line === undefined ? 0 : Number.parseInt(line, 36)) };
}

function busy(uid: string, what: string): GoferError {
  return new GoferError('FAILED_PRECONDITION', `the log of ${uid} is being collected and cannot be ${what}`);
}
