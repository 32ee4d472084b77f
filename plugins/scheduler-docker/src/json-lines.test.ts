import fc from 'fast-check';
import { expect, it } from 'vitest';
import { jsonLines } from './json-lines.ts';

async function read(bytes: Buffer, size: number): Promise<unknown[]> {
  async function* parts(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const values: unknown[] = [];
  for await (const value of jsonLines(parts())) values.push(value);
  return values;
}

it('gives every value back, however the stream is cut', async () => {
  const value = fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' }), { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(fc.array(value), fc.integer({ min: 1, max: 20 }), async (values, size) => {
      const bytes = Buffer.from(values.map((one) => `${JSON.stringify(one)}\r\n`).join(''));
      expect(await read(bytes, size)).toEqual(values);
    }),
  );
});

it('refuses a line without an end', async () => {
  await expect(read(Buffer.alloc(3 * 1024 * 1024, 'x'), 65_536)).rejects.toThrow('a line of more than');
});
