import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createColours } from './presentation.ts';
import { toSafeLine, toSafeLogLine, toSafeText } from './sanitise.ts';
import { renderTable } from './table.ts';

const ESC = '\u001b';
const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(`${ESC}[2J`, `${ESC}]0;title\u0007`, `${ESC}[31m`, '\r', '\n', '\u009b1A', '\u202e', ESC),
    ),
  )
  .map((parts) => parts.join(''));
const isControl = (character: string) => /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(character);
const controlsOf = (text: string) => Array.from(text).filter(isControl);

describe('text that is not trusted', () => {
  it('has no control character left in a line', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(controlsOf(toSafeLine(text))).toEqual([]);
      }),
    );
  });

  it('keeps only line breaks and tabs in a text', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(controlsOf(toSafeText(text)).filter((character) => character !== '\n' && character !== '\t')).toEqual([]);
      }),
    );
  });

  it('keeps nothing but colours in a coloured log line', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const line = toSafeLogLine(text, { colours: true });
        // oxlint-disable-next-line no-control-regex -- colours are what is looked for
        expect(controlsOf(line.replace(/\u001b\[[0-9;:]*m/gu, '')).filter((character) => character !== '\t' && character !== '\n')).toEqual(
          [],
        );
      }),
    );
  });

  it.each([
    ['plain text', 'plain text'],
    ['größer ✓ 日本', 'größer ✓ 日本'],
    ['10 %\r50 %\r100 %', '100 %'],
    ['windows\r', 'windows'],
    [`${ESC}]8;;http://evil${ESC}\\link${ESC}]8;;${ESC}\\`, 'link'],
    [`${ESC}[31mred${ESC}[0m`, 'red'],
  ])('%j reads %j without colours', (text, safe) => {
    expect(toSafeLogLine(text, { colours: false })).toBe(safe);
  });

  it('ends its colours with the line', () => {
    expect(toSafeLogLine(`${ESC}[31mred`, { colours: true })).toBe(`${ESC}[31mred${ESC}[0m`);
  });

  it('is stripped in linear time', () => {
    const started = performance.now();
    toSafeLine(`${ESC}[${'0;'.repeat(500_000)}${ESC}]${'x'.repeat(500_000)}`);
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('a table', () => {
  const colours = createColours({ flag: false, environment: {}, isTerminal: false });

  it('has one line a row, whatever the cells hold', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(hostile, hostile), { minLength: 1, maxLength: 5 }), (rows) => {
        const table = renderTable(['ONE', 'TWO'], rows, colours);
        expect(table.endsWith('\n')).toBe(true);
        expect(table.slice(0, -1).split('\n')).toHaveLength(rows.length + 1);
      }),
    );
  });

  it('is aligned and neither wrapped nor cut', () => {
    const long = 'word '.repeat(100).trim();
    expect(
      renderTable(
        ['ID', 'TEXT'],
        [
          ['a', long],
          ['longer', 'x'],
        ],
        colours,
      ),
    ).toBe(`ID      TEXT\na       ${long}\nlonger  x\n`);
  });
});
