import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { RE2JS } from 're2js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInlineLogStore, createThreadedLogStore } from './create-log-store.ts';
import type { LineSelection } from './line-selection.ts';
import { expressionFault, requiredLiteral } from './line-selection.ts';
import type { LogStore } from './log-store.ts';
import type { TestLine, TestPiece } from './test-source.ts';
import { LiveSource, never, piece, readLines, testSource } from './test-source.ts';

let directory: string;
let store: LogStore;
let made = 0;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-selected-'));
  store = createInlineLogStore({ directory });
});
afterAll(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

/** What a selection means, said in the simplest way there is. */
function filtered(all: readonly TestLine[], { stream, since, lines, grep, tail }: LineSelection): TestLine[] {
  const expression = grep === undefined ? undefined : RE2JS.compile(grep);
  const chosen = all
    .slice(lines?.first ?? 0, lines?.end ?? all.length)
    .filter((line) => stream === undefined || line.stream === stream)
    .filter((line) => since === undefined || line.time >= since)
    .filter((line) => expression?.matcher(line.text.replace(/\n$/, '')).find() ?? true);
  return tail === undefined ? chosen : chosen.slice(Math.max(0, chosen.length - tail));
}

const bytes = fc
  .array(fc.constantFrom(10, 10, 65, 66, 67, 0xe2, 0x82, 0xac, 0xff), { minLength: 1, maxLength: 60 })
  .map((all) => Uint8Array.from(all));
const pieces: fc.Arbitrary<TestPiece[]> = fc.array(
  fc.record({ stream: fc.constantFrom<'stdout' | 'stderr'>('stdout', 'stderr'), bytes, time: fc.integer({ min: 1, max: 5 }) }),
  { maxLength: 30 },
);
const expressions = [
  'A',
  'AB',
  'A.*B',
  '^A',
  'B$',
  '^$',
  'A|C',
  '(AB)+C?',
  'A?B',
  'BC{0,2}',
  '[AB]C',
  '€',
  '(?i)ab',
  'A\\W',
  '\\x41',
  'AB+',
  'C*',
];
const optional = <Value>(one: fc.Arbitrary<Value>) => fc.option(one, { nil: undefined });
const selections = fc
  .record({
    stream: optional(fc.constantFrom<'stdout' | 'stderr'>('stdout', 'stderr')),
    since: optional(fc.integer({ min: 1, max: 6 })),
    grep: optional(fc.constantFrom(...expressions)),
    tail: optional(fc.integer({ min: 1, max: 12 })),
    lines: optional(fc.tuple(fc.nat(20), fc.nat(20)).map(([first, count]) => ({ first, end: first + count }))),
  })
  .map(({ tail, lines, ...rest }) => withoutAbsent({ ...rest, ...(lines === undefined ? { tail } : { lines }) }));

function withoutAbsent(all: Readonly<Record<string, unknown>>): LineSelection {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

it('a selection is what filtering the whole is, whatever the pieces', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.array(selections, { minLength: 4, maxLength: 8 }), async (all, chosen) => {
      const id = `selected-${made++}`;
      await store.collect(id, testSource(all), never, { replay: true });
      const whole = await readLines(store, id);
      for (const select of chosen) expect(await readLines(store, id, false, undefined, select)).toEqual(filtered(whole, select));
      await store.delete(id);
    }),
    { numRuns: 300 },
  );
});

describe('a long log', () => {
  const LINES = 60_000;
  const text = (line: number): string => `${'·'.repeat(line % 90)}line ${line}${line % 1000 === 7 ? ' NEEDLE' : ''}\n`;
  let whole: TestLine[];
  let threaded: LogStore;
  beforeAll(async () => {
    threaded = createThreadedLogStore({ directory, threads: 1 });
    const all = Array.from({ length: LINES / 100 }, (_, part) =>
      piece(
        Array.from({ length: 100 }, (_unused, line) => text(part * 100 + line)).join(''),
        part % 7 === 0 ? 'stderr' : 'stdout',
        1 + part,
      ),
    );
    await threaded.collect('long', testSource(all), never, { replay: true });
    whole = await readLines(threaded, 'long');
  });
  afterAll(() => threaded.close());

  it.each<LineSelection>([
    { tail: 100 },
    { tail: 100, stream: 'stderr' },
    { lines: { first: 30_000, end: 30_050 } },
    { lines: { first: 59_990, end: 70_000 } },
    { lines: { first: 70_000, end: 70_001 } },
    { since: 550 },
    { grep: 'NEEDLE' },
    { grep: 'NEEDLE', tail: 5 },
    { grep: '[0-9]7 NEEDLE$', stream: 'stdout' },
    { grep: 'l.n. \\d+7$', tail: 9000 },
    { grep: 'line 5', lines: { first: 5000, end: 50_000 } },
  ])('%j', async (select) => {
    expect(await readLines(threaded, 'long', false, undefined, select)).toEqual(filtered(whole, select));
  });

  it('is gone on with behind every cursor of a search, and its lines have their numbers', async () => {
    const numbers: number[] = [];
    for (let cursor: string | undefined; ; ) {
      const from = cursor === undefined ? {} : { from: { cursor } };
      const select = { grep: 'NEEDLE' };
      const batches = threaded.read('long', { follow: false, format: 'json', signal: never, select, ...from })[Symbol.asyncIterator]();
      const { value } = await batches.next();
      await batches.return?.();
      if (value?.format !== 'json') break;
      const { lines } = JSON.parse(Buffer.from(value.json).toString()) as { lines: { number: number; text: string }[] };
      for (const line of lines) expect(`${line.text}\n`).toBe(text(line.number));
      numbers.push(...lines.map(({ number }) => number));
      cursor = value.cursor;
    }
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, index) => index * 1000 + 7));
  });
});

it('what is selected is followed, and a range ends at its last line', async () => {
  const source = new LiveSource();
  const collected = store.collect('live', source.open, never, { replay: true });
  source.push('one\ntwo\n');
  for (let seen = 0; seen < 2; seen = (await store.stat('live')).lines) await new Promise(setImmediate);
  const followed = readLines(store, 'live', true, undefined, { grep: 't', tail: 1 });
  const range = readLines(store, 'live', true, undefined, { lines: { first: 1, end: 3 } });
  await new Promise(setImmediate);
  source.push('three\nfour\n');
  expect((await range).map(({ text }) => text)).toEqual(['two\n', 'three\n']);
  source.push('ten\n', 'stderr');
  source.end();
  await collected;
  expect((await followed).map(({ text }) => text)).toEqual(['two\n', 'three\n', 'ten\n']);
});

it.each([
  ['error', 'error', true],
  ['a\\.b', 'a.b', true],
  ['took [0-9]+ ms', 'took ', false],
  ['abcd?e', 'abc', false],
  ['(x|y)abc', '', false],
  ['(one)two', 'two', false],
  ['ab+cd', 'ab', false],
  ['ab{0,3}cde', 'cde', false],
  ['(?i)abc', '', false],
  ['\\x41bc', '', false],
  ['^GET /a$', 'GET /a', false],
])('%s needs "%s"', (expression, text, whole) => {
  expect(requiredLiteral(expression)).toEqual({ text, whole });
});

it('an expression that is wrong or too large is told so', () => {
  expect(expressionFault('a.*b')).toBeUndefined();
  expect(expressionFault('')).toContain('empty');
  expect(expressionFault('(')).toContain('RE2');
  expect(expressionFault('a{101}')).toContain('100 times');
  expect(expressionFault('(a{50}b{50}){9}')).toContain('too large');
  expect(expressionFault('x'.repeat(257))).toContain('256');
});
