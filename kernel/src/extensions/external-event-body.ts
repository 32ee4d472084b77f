/**
 * An external event as extensions take it: JSON, with the body as an array of numbers, which is about three and a half times as long as
 * the body. It is written in pieces, a turn of the event loop between them, so that a large one neither holds up others nor is ever in
 * memory as a whole.
 */
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';

const PIECE = 16 * 1024;
/** So many bytes are measured in one turn of the event loop. */
const MEASURED_AT_ONCE = 1024 * 1024;

const ZERO = 0x30;
const COMMA = 0x2c;

export interface ExternalEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** `length`: how many bytes `stream` will give. */
export async function encodeExternalEvent(event: ExternalEvent): Promise<{ readonly length: number; readonly stream: Readable }> {
  const head = Buffer.from(`{"headers":${JSON.stringify(event.headers)},"body":[`, 'utf8');
  const tail = Buffer.from(']}', 'latin1');
  const length = head.byteLength + (await measure(event.body)) + tail.byteLength;
  return { length, stream: Readable.from(pieces(head, event.body, tail), { objectMode: false, highWaterMark: PIECE * 4 }) };
}

async function* pieces(head: Uint8Array, body: Uint8Array, tail: Uint8Array): AsyncGenerator<Uint8Array> {
  yield head;
  for (let from = 0; from < body.byteLength; from += PIECE) {
    const piece = encode(body.subarray(from, from + PIECE));
    const isLast = from + PIECE >= body.byteLength;
    yield isLast ? piece.subarray(0, -1) : piece;
    await turn();
  }
  yield tail;
}

function encode(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(bytes.byteLength * 4);
  let at = 0;
  for (const byte of bytes) {
    if (byte >= 100) text[at++] = ZERO + Math.trunc(byte / 100);
    if (byte >= 10) text[at++] = ZERO + (Math.trunc(byte / 10) % 10);
    text[at++] = ZERO + (byte % 10);
    text[at++] = COMMA;
  }
  return text.subarray(0, at);
}

async function measure(body: Uint8Array): Promise<number> {
  let length = Math.max(body.byteLength - 1, 0);
  for (let from = 0; from < body.byteLength; from += MEASURED_AT_ONCE) {
    if (from > 0) await turn();
    for (const byte of body.subarray(from, from + MEASURED_AT_ONCE)) length += byte < 10 ? 1 : byte < 100 ? 2 : 3;
  }
  return length;
}
