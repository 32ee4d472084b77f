import { assert, asyncProperty, dictionary, string, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quiet } from '../clock/virtual-clock.ts';
import { encodeExternalEvent } from './external-event-body.ts';

async function read(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('an external event on its way', () => {
  it('is the JSON that JSON itself would make of it, of the length that was said', async () => {
    const event = asyncProperty(dictionary(string(), string()), uint8Array({ maxLength: 200 }), async (headers, body) => {
      const { length, stream } = await encodeExternalEvent({ headers, body });
      const text = await read(stream);
      expect(text.byteLength).toBe(length);
      expect(text.toString('utf8')).toBe(JSON.stringify({ headers, body: Array.from(body) }));
    });
    await assert(event);
  });

  it.each([16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 3 * 1024 * 1024])('is whole across its pieces, with %i bytes', async (size) => {
    const body = Uint8Array.from({ length: size }, (_, index) => (index * 31) % 256);
    const { length, stream } = await encodeExternalEvent({ headers: {}, body });
    const text = await read(stream);
    expect(text.byteLength).toBe(length);
    expect(Buffer.from((JSON.parse(text.toString('utf8')) as { body: number[] }).body).equals(body)).toBe(true);
  });

  it('is made no further than it is taken, with turns of the event loop for others between', async () => {
    const { stream, length } = await encodeExternalEvent({ headers: {}, body: new Uint8Array(25 * 1024 * 1024).fill(200) });
    stream.once('readable', () => {});
    await quiet();
    expect(stream.readableLength).toBeLessThan(256 * 1024);
    let turns = 0;
    const count = (): void => {
      turns += 1;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    let taken = 0;
    for await (const piece of stream as AsyncIterable<Uint8Array>) taken += piece.byteLength;
    clearImmediate(counting);
    expect(taken).toBe(length);
    // A turn for at most each 64 KiB of the hundred MiB.
    expect(turns).toBeGreaterThan(1000);
  });
});
