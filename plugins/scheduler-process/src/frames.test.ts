import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameReader, writeFrame } from './frames.ts';

describe('frames', () => {
  const server = createServer((socket) => socket.pipe(socket));
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => server.close());

  it('arrive whole however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            header: fc.record({ text: fc.string({ unit: 'binary' }) }),
            payload: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 3 }),
          }),
          {
            minLength: 1,
            maxLength: 8,
          },
        ),
        fc.integer({ min: 1, max: 64 }),
        async (frames, cut) => {
          const address = server.address();
          if (address === null || typeof address === 'string') throw new Error('not listening');
          const socket = connect(address.port, '127.0.0.1');
          for (const { header, payload } of frames) writeFrame(socket, header, payload);
          socket.end();
          const sent: Buffer[] = [];
          for await (const bytes of socket) sent.push(bytes as Buffer);
          const all = Buffer.concat(sent);
          const received: unknown[] = [];
          const reader = new FrameReader((header, payload) => received.push({ header, payload: Buffer.from(payload) }));
          for (let offset = 0; offset < all.length; offset += cut) reader.push(all.subarray(offset, offset + cut));
          expect(received).toEqual(frames.map(({ header, payload }) => ({ header, payload: Buffer.concat(payload) })));
        },
      ),
      { numRuns: 50 },
    );
  });

  it('that cannot be are refused', () => {
    const reader = new FrameReader(() => {});
    expect(() => reader.push(Buffer.alloc(8))).toThrow('not a frame');
    expect(() => new FrameReader(() => {}).push(Buffer.alloc(8, 255))).toThrow('not a frame');
  });
});
