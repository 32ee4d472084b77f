/**
 * A task's output from the engine's log: for whoever comes later, continues behind a cursor, or was too slow for the live connection.
 *
 * Positions are counts of bytes, so a reader that continues reads the log from its beginning and leaves out what it has had. The
 * engine's follow may end before the log does; so the end is only believed of a pass that began after the container had ended.
 */
import type { Engine } from './engine.ts';
import type { OutputPiece } from './live-output.ts';
import { FrameSplitter } from './output-frames.ts';
import type { OutputPosition } from './output-position.ts';

/** Several lines of one stream and one millisecond make one piece, up to this size. */
const PIECE_BYTES = 64 * 1024;
const MILLISECONDS_END = '2000-01-01T00:00:00.000'.length;
const NANOSECONDS_END = '2000-01-01T00:00:00.000000000'.length;
const SPACE = 0x20;
const NEWLINE = Buffer.from('\n');

/**
 * One pass over the log behind `from`. Rejects like `Engine.read` and `Engine.parts`, and with the engine's 404 for a container that is gone.
 */
export async function* readLog(
  engine: Engine,
  id: string,
  from: OutputPosition,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<OutputPiece> {
  const query = { stdout: '1', stderr: '1', timestamps: '1', follow: follow ? '1' : '0' };
  const request = { method: 'GET', path: `/containers/${id}/logs`, query, signal } as const;
  // A log that is followed may be silent for as long as its task is.
  const answer = follow ? engine.read(await engine.stream(request), signal) : engine.parts(request);
  const skip = { ...from };
  const frames = new FrameSplitter();
  let parts: Buffer[] = [];
  let frameStream: OutputPiece['stream'] = 'stdout';
  const gathering = new Gathering();
  for await (const part of answer) {
    frames.push(
      part,
      (stream, bytes) => {
        frameStream = stream;
        parts.push(bytes);
      },
      () => {
        const frame = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
        parts = [];
        const space = frame.indexOf(SPACE);
        // The log driver `local` of engine 20.10 loses the newline behind a line whose length is a multiple of 16 KiB: what comes is an
        // empty entry, and nothing else makes one.
        const bytes = space + 1 < frame.length ? frame.subarray(space + 1) : NEWLINE;
        const left = Math.min(skip[frameStream], bytes.length);
        skip[frameStream] -= left;
        if (left === bytes.length) return;
        // Nanoseconds become milliseconds; `Z` or an offset follows them.
        const time = frame.toString('latin1', 0, MILLISECONDS_END) + frame.toString('latin1', NANOSECONDS_END, space);
        gathering.add(frameStream, time, bytes.subarray(left));
      },
    );
    yield* gathering.take();
    // A frame that goes on in the next part must not hold on to this one.
    parts = parts.map((bytes) => Buffer.from(bytes));
  }
}

/** Joins what belongs together, so that a task of many short lines does not become as many chunks. */
class Gathering {
  #pieces: OutputPiece[] = [];
  #parts: Buffer[] = [];
  #length = 0;
  #stream: OutputPiece['stream'] = 'stdout';
  #time = '';

  /** `time`: as ISO 8601 says it, to the millisecond. */
  add(stream: OutputPiece['stream'], time: string, bytes: Buffer): void {
    if (stream !== this.#stream || time !== this.#time || this.#length + bytes.length > PIECE_BYTES) {
      this.#close();
      this.#stream = stream;
      this.#time = time;
    }
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  take(): readonly OutputPiece[] {
    this.#close();
    const pieces = this.#pieces;
    this.#pieces = [];
    return pieces;
  }

  #close(): void {
    if (this.#length === 0) return;
    this.#pieces.push({
      stream: this.#stream,
      time: Date.parse(this.#time),
      bytes: new Uint8Array(Buffer.concat(this.#parts)),
    });
    this.#parts = [];
    this.#length = 0;
  }
}
