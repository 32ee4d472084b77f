import { isAscii, isUtf8 } from 'node:buffer';
import type { LogBatch, LogReadRequest, LogRun } from './log-store.ts';

/** Lines as they are kept, not yet in the form that a consumer asked for. */
export interface BatchLines {
  readonly firstLine: number;
  /** The bytes, newlines included. */
  readonly text: Buffer;
  /** Where each line ends in `text`. */
  readonly ends: Uint32Array;
  readonly runs: readonly LogRun[];
  /** The lines (counted from 0 within the batch) whose rest is another line. */
  readonly continued: readonly number[];
  /** The number of each line, where they do not follow each other. */
  readonly numbers?: readonly number[];
}

/** The form that a reader asked for. */
export type BatchForm = Pick<LogReadRequest, 'format' | 'timestamps' | 'cursorPrefix' | 'lineOffset'>;

const NEWLINE = 10;

/** Makes memory of the batch's own, so that it can be handed to another thread without a copy. */
export function renderBatch(
  kept: BatchLines,
  { format, timestamps = false, cursorPrefix = '', lineOffset = 0 }: BatchForm,
  cursor: string,
): LogBatch {
  const lines = lineOffset === 0 ? kept : withOffset(kept, lineOffset);
  const position = {
    firstLine: lines.firstLine,
    count: lines.ends.length,
    cursor,
  };
  if (format === 'json') return { ...position, format, json: renderJson(lines, cursorPrefix + cursor) };
  const readable = isUtf8(lines.text) ? lines : { ...lines, ...replaceInvalid(lines) };
  const { text, ends } = timestamps ? addTimes(readable) : readable;
  return { ...position, format, text, ends: ends.slice(), runs: lines.runs };
}

function withOffset(lines: BatchLines, offset: number): BatchLines {
  const numbers = lines.numbers?.map((number) => number + offset);
  return { ...lines, firstLine: lines.firstLine + offset, ...(numbers === undefined ? {} : { numbers }) };
}

/** Each line behind the time that it came (RFC 3339, UTC) and a space. */
function addTimes({ text, ends, runs }: Pick<BatchLines, 'ends' | 'runs'> & { readonly text: Uint8Array }): {
  text: Uint8Array;
  ends: Uint32Array;
} {
  const parts: Uint8Array[] = [];
  const newEnds = new Uint32Array(ends.length);
  let line = 0;
  let length = 0;
  for (const run of runs) {
    const time = Buffer.from(`${new Date(run.time).toISOString()} `);
    for (let left = run.lines; left > 0; left--, line++) {
      const part = text.subarray(ends[line - 1] ?? 0, ends[line]);
      parts.push(time, part);
      length += time.length + part.length;
      newEnds[line] = length;
    }
  }
  return { text: concatOwned(parts, length), ends: newEnds };
}

function replaceInvalid({ text, ends }: BatchLines): {
  text: Uint8Array;
  ends: Uint32Array;
} {
  const parts: Buffer[] = [];
  const newEnds = new Uint32Array(ends.length);
  let start = 0;
  let length = 0;
  // Line by line: a sequence that a line's end cuts short must not swallow what follows.
  for (const [index, end] of ends.entries()) {
    const part = Buffer.from(text.toString('utf8', start, end));
    parts.push(part);
    length += part.length;
    newEnds[index] = length;
    start = end;
  }
  return { text: concatOwned(parts, length), ends: newEnds };
}

function renderJson({ firstLine, text, ends, runs, continued, numbers }: BatchLines, cursor: string): Uint8Array {
  // In ASCII a byte is a character, so that one string can be cut where the bytes are.
  const ascii = isAscii(text) ? text.toString('latin1') : undefined;
  let json = `{"cursor":${JSON.stringify(cursor)},"firstLine":${firstLine},"lines":[`;
  let line = 0;
  let start = 0;
  for (const run of runs) {
    const head = `{"stream":"${run.stream}","time":${run.time},"text":`;
    for (let left = run.lines; left > 0; left--) {
      const end = ends[line] ?? start;
      const textEnd = text[end - 1] === NEWLINE ? end - 1 : end;
      const content = ascii === undefined ? text.toString('utf8', start, textEnd) : ascii.slice(start, textEnd);
      json += (line === 0 ? head : `,${head}`) + JSON.stringify(content);
      if (numbers !== undefined) json += `,"number":${numbers[line]}`;
      json += continued.includes(line) ? ',"continued":true}' : '}';
      start = end;
      line++;
    }
  }
  return new TextEncoder().encode(`${json}]}`);
}

function concatOwned(parts: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
