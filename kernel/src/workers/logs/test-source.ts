import type { ErrorCode, LogChunk } from '@gofer/contracts';
import { codeOf } from '@gofer/contracts';
import type { LineSelection } from './line-selection.ts';
import type { LogStore, LogStream, OpenLogSource } from './log-store.ts';

export interface TestPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
  readonly time?: number;
}

export interface TestLine {
  readonly stream: LogStream;
  /** Invalid UTF-8 replaced, newline included where there is one. */
  readonly text: string;
  readonly time: number;
}

export const never = new AbortController().signal;

export function piece(text: string | Uint8Array, stream: 'stdout' | 'stderr' = 'stdout', time = 1): TestPiece {
  return { stream, bytes: typeof text === 'string' ? Buffer.from(text) : text, time };
}

/** A source that can be opened behind each of its pieces; the cursor is the piece's number. */
export function testSource(pieces: readonly TestPiece[]): OpenLogSource {
  return async function* (after) {
    for (const [index, { stream, bytes, time }] of pieces.entries()) {
      if (after !== undefined && index <= Number(after)) continue;
      yield chunk(index, stream, bytes, time);
    }
  };
}

export function chunk(index: number, stream: 'stdout' | 'stderr', bytes: Uint8Array, time?: number): LogChunk {
  return { stream, bytes, cursor: String(index), ...(time === undefined ? {} : { time }) };
}

/** A source whose pieces come when the test says so. */
export class LiveSource {
  readonly #pieces: TestPiece[] = [];
  #ended = false;
  #wake = Promise.withResolvers<void>();
  /** How many pieces have been asked for beyond the last one there is. */
  opened = 0;

  readonly open: OpenLogSource = (after, signal) => this.#read(after === undefined ? 0 : Number(after) + 1, signal);

  push(text: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
    this.#pieces.push(piece(text, stream));
    this.#stir();
  }

  end(): void {
    this.#ended = true;
    this.#stir();
  }

  async *#read(from: number, signal: AbortSignal): AsyncGenerator<LogChunk> {
    this.opened++;
    signal.addEventListener('abort', () => this.#stir(), { once: true });
    for (let at = from; !signal.aborted; ) {
      const next = this.#pieces[at];
      if (next !== undefined) yield chunk(at++, next.stream, next.bytes, next.time);
      else if (this.#ended) return;
      else await this.#wake.promise;
    }
  }

  #stir(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** Reads a log line by line. */
export async function readLines(
  store: LogStore,
  attemptId: string,
  follow = false,
  from?: { line: number } | { cursor: string },
  select?: LineSelection,
): Promise<TestLine[]> {
  const lines: TestLine[] = [];
  const start = { ...(from === undefined ? {} : { from }), ...(select === undefined ? {} : { select }) };
  for await (const batch of store.read(attemptId, { follow, format: 'lines', signal: never, ...start })) {
    if (batch.format !== 'lines') throw new Error('asked for lines');
    let at = 0;
    let line = 0;
    for (const run of batch.runs) {
      for (let left = run.lines; left > 0; left--) {
        const end = batch.ends[line++] ?? 0;
        lines.push({ stream: run.stream, time: run.time, text: Buffer.from(batch.text.subarray(at, end)).toString() });
        at = end;
      }
    }
    if (line !== batch.count || at !== batch.text.length) throw new Error('a batch that does not add up');
  }
  return lines;
}

export async function readRaw(store: LogStore, attemptId: string, range?: { start: number; end?: number }): Promise<Buffer> {
  const parts: Buffer[] = [];
  const { stream } = await store.raw(attemptId, range);
  for await (const part of stream) parts.push(Buffer.from(part as Uint8Array));
  return Buffer.concat(parts);
}

/** Numbered lines, cut every 1,000 bytes wherever that is; a cursor is a place in bytes. */
export function numberedSource(lines: number): OpenLogSource {
  const all = Buffer.from(numberedText(lines));
  return async function* (after, signal) {
    for (let at = after === undefined ? 0 : Number(after); at < all.length && !signal.aborted; at += 1000) {
      const end = Math.min(at + 1000, all.length);
      yield { stream: 'stdout', bytes: all.subarray(at, end), cursor: String(end) };
    }
  };
}

export function numberedText(lines: number): string {
  return Array.from({ length: lines }, (_, line) => `line ${line}\n`).join('');
}

/** The code that a promise is rejected with; it may be asked for long before it is looked at. */
export async function rejection(promise: Promise<unknown>): Promise<ErrorCode> {
  try {
    await promise;
  } catch (error) {
    return codeOf(error);
  }
  throw new Error('it was not rejected');
}
