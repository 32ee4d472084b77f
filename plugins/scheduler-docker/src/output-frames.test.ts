import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameSplitter, ownBytes } from './output-frames.ts';

const frame = fc.record({ stream: fc.constantFrom('stdout' as const, 'stderr' as const), payload: fc.uint8Array({ maxLength: 40 }) });

function encode(stream: 'stdout' | 'stderr', payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream === 'stdout' ? 1 : 2;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

it('gives every frame back, however the stream is cut into parts', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (frames, cuts) => {
      const whole = Buffer.concat(frames.map(({ stream, payload }) => encode(stream, payload)));
      const splitter = new FrameSplitter();
      const found: { stream: string; payload: number[] }[] = [];
      let current: { stream: string; payload: number[] } | undefined;
      for (let at = 0, index = 0; at < whole.length; index++) {
        const size = cuts[index % cuts.length] ?? 1;
        splitter.push(
          whole.subarray(at, at + size),
          (stream, bytes) => {
            current ??= { stream, payload: [] };
            expect(current.stream).toBe(stream);
            current.payload.push(...bytes);
          },
          () => {
            found.push(current ?? { stream: 'none', payload: [] });
            current = undefined;
          },
        );
        at += size;
      }
      const expected = frames.map(({ stream, payload }) => ({ stream: payload.length === 0 ? 'none' : stream, payload: [...payload] }));
      expect(found).toEqual(expected);
    }),
  );
});

it('does not let a small piece drag a large buffer along', () => {
  const large = Buffer.alloc(100_000, 7);
  expect(ownBytes(large.subarray(10, 20)).buffer.byteLength).toBe(10);
  expect(ownBytes(large.subarray(0, 90_000)).buffer).toBe(large.buffer);
});
