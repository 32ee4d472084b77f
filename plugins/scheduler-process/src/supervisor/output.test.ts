import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Output } from './output.ts';

const stream = fc.constantFrom('stdout' as const, 'stderr' as const);
const step = fc.oneof(
  fc.record({
    do: fc.constant('append' as const),
    stream,
    length: fc.integer({ min: 1, max: 9000 }),
    pause: fc.integer({ min: 0, max: 30 }),
  }),
  fc.record({ do: fc.constant('read' as const), max: fc.integer({ min: 1, max: 20_000 }), keeps: fc.integer({ min: 0, max: 10 }) }),
);

/** The byte at a position: any mix-up shows. */
const byteAt = (position: number): number => (position * 31 + (position >> 8)) & 255;

describe('output', () => {
  it('gives every byte once, in order and with its stream, wherever the reader stops and goes on', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const output = new Output(1e9);
        const origin: ('stdout' | 'stderr')[] = [];
        let time = 0;
        let kept = 0;
        const wrong: number[] = [];
        for (const action of steps) {
          if (action.do === 'append') {
            time += action.pause;
            const bytes = Buffer.from(Array.from({ length: action.length }, (_, index) => byteAt(origin.length + index)));
            for (let index = 0; index < action.length; index++) origin.push(action.stream);
            output.append(action.stream, bytes, time);
            bytes.fill(0);
            continue;
          }
          const batch = output.read(kept, action.max);
          const bytes = Buffer.concat(batch.parts);
          expect(batch.from).toBe(kept);
          expect(bytes.length).toBe(Math.min(action.max, origin.length - kept));
          expect(batch.to).toBe(kept + bytes.length);
          let position = kept;
          for (const piece of batch.pieces) {
            for (let index = 0; index < piece.length; index++, position++) {
              if (origin[position] !== piece.stream || bytes[position - kept] !== byteAt(position)) wrong.push(position);
            }
          }
          expect(position).toBe(batch.to);
          kept += Math.floor((bytes.length * action.keeps) / 10);
          output.keep(kept);
          expect(output.kept).toBe(kept);
        }
        expect(wrong).toEqual([]);
        expect(output.received).toBe(origin.length);
      }),
      { numRuns: 200 },
    );
  });

  it('is full by its bytes, and by its pieces where they are small', () => {
    const large = new Output(1000);
    large.append('stdout', Buffer.alloc(999), 0);
    expect(large.full).toBe(true);
    large.keep(999);
    expect(large.full).toBe(false);
    expect(large.roomy).toBe(true);
    const small = new Output(10_000);
    for (let index = 0; index < 100; index++) small.append(index % 2 === 0 ? 'stdout' : 'stderr', Buffer.from('x'), 0);
    expect(small.full).toBe(true);
  });

  it('wakes a reader once for what comes and for the end, and refuses one that was replaced', async () => {
    const output = new Output(1000);
    const first = output.more();
    const second = output.more();
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' });
    output.append('stdout', Buffer.from('x'), 0);
    await second;
    const third = output.more();
    output.end();
    await third;
    let read = 0;
    output.onRead = () => read++;
    expect(read).toBe(0);
    output.keep(1);
    output.keep(1);
    expect(read).toBe(1);
  });
});
