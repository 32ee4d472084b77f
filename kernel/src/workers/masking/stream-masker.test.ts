import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { naiveMask } from './naive-mask.fixture.ts';
import { PatternTable } from './pattern-table.ts';
import { secretForms, secretPatterns } from './secret-patterns.ts';
import { StreamMasker } from './stream-masker.ts';

/** Values that overlap each other and themselves, with what has to be encoded. */
const value = fc.array(fc.constantFrom('a', 'a', 'b', 'ab', '/', '+', ' ', 'é', '\n', '"'), { minLength: 6, maxLength: 14 }).map(join);
const filler = fc.array(fc.constantFrom('a', 'b', 'ab', '\n', '\r\n', '/', ' ', '\u00ff', '\u0080'), { maxLength: 12 }).map(join);
/** Where line breaks are put into what is embedded, and where the output is cut. */
const places = fc.array(fc.nat(), { maxLength: 6 });

const scenario = fc.record({
  values: fc.array(value, { minLength: 1, maxLength: 3 }),
  times: fc.integer({ min: 1, max: 6 }),
  parts: fc.array(fc.record({ filler, value: fc.nat(), form: fc.nat(), breaks: places, kept: fc.integer({ min: 1, max: 120 }) }), {
    minLength: 1,
    maxLength: 5,
  }),
});

function join(parts: readonly string[]): string {
  return parts.join('');
}

function outputOf({ values, times, parts }: typeof scenario extends fc.Arbitrary<infer T> ? T : never): Buffer {
  let text = '';
  for (const part of parts) {
    const forms = [...secretForms(values[part.value % values.length] ?? '')];
    let form = forms[part.form % Math.max(1, forms.length)] ?? '';
    for (const place of part.breaks) {
      const at = place % (form.length + 1);
      form = `${form.slice(0, at)}${place % 2 === 0 ? '\n' : '\r\n'}${form.slice(at)}`;
    }
    // Often whole, sometimes only its beginning.
    text += `${part.filler}${form.slice(0, part.kept)}`;
  }
  return Buffer.from(text.repeat(times), 'latin1');
}

function mask(table: PatternTable, output: Buffer, cuts: readonly number[], restart = false): Buffer {
  const sorted = [...cuts.map((cut) => cut % (output.length + 1)), output.length].sort((a, b) => a - b);
  const masked: Uint8Array[] = [];
  let masker = new StreamMasker(table);
  let at = 0;
  for (const cut of sorted) {
    // Wherever it lies in memory.
    const piece = Buffer.alloc(cut - at + 3).subarray(at % 4, (at % 4) + cut - at);
    output.copy(piece, 0, at, cut);
    for (const part of masker.push(piece)) masked.push(Buffer.from(part));
    // What comes in is the caller's: it may be overwritten once it has been taken.
    piece.fill(0);
    if (restart) masker = new StreamMasker(table, masker.state);
    at = cut;
  }
  masked.push(masker.end());
  return Buffer.concat(masked);
}

describe('whatever the values, the output and where it is cut', () => {
  test('the outcome is that of the definition', () => {
    fc.assert(
      fc.property(scenario, fc.array(fc.nat(), { maxLength: 40 }), fc.boolean(), (given, cuts, restart) => {
        const output = outputOf(given);
        const patterns = secretPatterns(given.values);
        const table = new PatternTable(patterns);
        const expected = naiveMask(output, patterns).toString('latin1');
        expect(mask(table, output, [], restart).toString('latin1')).toBe(expected);
        expect(mask(table, output, cuts, restart).toString('latin1')).toBe(expected);
        const everywhere = Array.from(output.keys());
        expect(mask(table, output, everywhere).toString('latin1')).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('no form of a value is left', () => {
    fc.assert(
      fc.property(scenario, fc.array(fc.nat(), { maxLength: 10 }), (given, cuts) => {
        const output = outputOf(given);
        const left = mask(new PatternTable(secretPatterns(given.values)), output, cuts).toString('latin1');
        for (const one of given.values) for (const form of secretForms(one)) expect(left).not.toContain(form);
      }),
      { numRuns: 300 },
    );
  });
});

test('what is held back is bounded, and nothing is where no secret can have begun', () => {
  const long = 'abcdefgh'.repeat(10_000);
  const masker = new StreamMasker(new PatternTable(secretPatterns([long, 'x'.repeat(500), '{\n"key": "secret"\n}'])));
  for (const piece of [long, 'x'.repeat(400), '\n'.repeat(5000), 'x\n'.repeat(300)]) {
    for (let at = 0; at < piece.length; at += 100) {
      masker.push(Buffer.from(piece.slice(at, at + 100)));
      expect(masker.state.held.length).toBeLessThan(3 * 512 + 64);
    }
  }
  masker.push(Buffer.from('a line that ends\n'));
  expect(masker.state).toMatchObject({ held: new Uint8Array(0), covered: 0, inMask: false });
});

test('a piece without a secret is passed on as it is', () => {
  const masker = new StreamMasker(new PatternTable(secretPatterns(['secret-value'])));
  const piece = Buffer.from('nothing to hide\n'.repeat(1000));
  const [masked, ...others] = masker.push(piece);
  expect(masked?.buffer).toBe(piece.buffer);
  expect(masked).toHaveLength(piece.length);
  expect(others).toEqual([]);
});

test('a value of 1 MiB with many short lines is made ready and masked', () => {
  const lines = Array.from({ length: 120_000 }, (_, index) => (index * 7919).toString(36).padStart(7, '0'));
  const value = lines.join('\n');
  const table = new PatternTable(secretPatterns([value]));
  const output = Buffer.from(`before\n${value}\nbehind, and ${lines[4711]}!\n`);
  const masked = mask(
    table,
    output,
    Array.from({ length: 500 }, (_, index) => index * 2003),
  ).toString();
  expect(masked).toBe(`before\n${'[redacted]\n'.repeat(lines.length)}behind, and [redacted]!\n`);
  const base64 = Buffer.from(value).toString('base64').replace(/.{76}/g, '$&\n');
  expect(mask(table, Buffer.from(base64), [70_000]).toString()).toMatch(/^(\[redacted\]\n?)+$/);
});

test('a value that repeats itself does not take for ever', () => {
  const value = 'äöü&</"\n'.repeat(8_000);
  const table = new PatternTable(secretPatterns([value]));
  expect(mask(table, Buffer.from(value), [1000]).toString()).toBe('[redacted]\n'.repeat(8_000));
  const dashes = new PatternTable(secretPatterns(['-'.repeat(500)]));
  expect(mask(dashes, Buffer.from('-'.repeat(100_000)), [7]).toString()).toBe('[redacted]');
});

test('a secret that is cut anywhere between large pieces', () => {
  const secret = 'Kronos-Zephyr-Quartz-1742';
  const patterns = secretPatterns([secret, 'K5', 'Quartz-1742 and Kronos']);
  const table = new PatternTable(patterns);
  const cycle = `${secret} and ${secret}\n${secret}${secret}; K Kr Kro\n`;
  const output = Buffer.from(cycle.repeat(400));
  const expected = naiveMask(Buffer.from(cycle.repeat(4)), patterns)
    .toString()
    .slice(0, -1);
  const whole = mask(table, output, []).toString();
  expect(whole.startsWith(expected)).toBe(true);
  for (let cut = 15_000; cut < 15_000 + cycle.length; cut++)
    expect(mask(table, output, [cut, cut + 9_000]).toString() === whole).toBe(true);
});
