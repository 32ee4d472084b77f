import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeLineFrames } from './line-frames.ts';

/** By RFC 6455 §5.2; every frame must be a final, unmasked Text frame with the shortest length there is for it. */
function decode(frames: Buffer): string[] {
  const texts: string[] = [];
  let at = 0;
  while (at < frames.length) {
    expect(frames[at]).toBe(0x81);
    const short = frames.readUInt8(at + 1);
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length = short < 126 ? short : short === 126 ? frames.readUInt16BE(at + 2) : Number(frames.readBigUInt64BE(at + 2));
    expect(length).toBeGreaterThanOrEqual(header === 2 ? 0 : header === 4 ? 126 : 65_536);
    texts.push(frames.toString('utf8', at + header, at + header + length));
    at += header + length;
  }
  return texts;
}

test('whatever the lines, they are read back one by one', () => {
  const line = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.nat({ max: 70_000 }).map((length) => 'x'.repeat(length)),
    fc.constantFrom(125, 126, 65_535, 65_536).map((length) => 'x'.repeat(length)),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), fc.nat({ max: 7 }), (lines, offset) => {
      const pieces = lines.map((text) => Buffer.from(text, 'utf8'));
      let end = 0;
      const ends = Uint32Array.from(pieces, (piece) => (end += piece.length));
      // A view into a larger buffer, as batches from another thread are.
      const text = new Uint8Array(Buffer.concat([Buffer.alloc(offset), ...pieces])).subarray(offset);
      expect(decode(encodeLineFrames(text, ends))).toEqual(pieces.map((piece) => piece.toString('utf8')));
    }),
    { numRuns: 50 },
  );
});
