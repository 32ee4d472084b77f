import { Refusal } from '@gofer/sdk/extension';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitsFilter, parseFilter } from './body-filter.ts';
import { parseMappings, toVariables } from './variable-mapping.ts';

const BODY = {
  release: { version: '1.2.0', draft: false, 'a/b~c': 'x', notes: null, empty: '' },
  targets: [{ region: 'eu' }, { region: 'us' }],
  count: 3,
};

describe('variables', () => {
  test('are taken from places of the body', () => {
    const text = 'VERSION!=/release/version, REGION=targets.1.region,DRAFT=release.draft,COUNT=count,ALL=/targets,ODD=/release/a~1b~0c';
    expect(toVariables(parseMappings(text), BODY)).toEqual({
      VERSION: '1.2.0',
      REGION: 'us',
      DRAFT: 'false',
      COUNT: '3',
      ALL: '[{"region":"eu"},{"region":"us"}]',
      ODD: 'x',
    });
  });

  test('may be written one a line, with commas in places', () => {
    expect(parseMappings('\nA=/x,y\n\n B = z \n')).toMatchObject([
      { name: 'A', pointer: ['x,y'] },
      { name: 'B', pointer: ['z'] },
    ]);
    expect(parseMappings('  ')).toEqual([]);
  });

  test('are empty where there is nothing, and never come from a prototype', () => {
    const text = 'A=/nothing,B=targets.9.region,C=targets.length,D=constructor.name,E=/release/notes,F=/release/version/0,G=targets.01,H=/';
    expect(new Set(Object.values(toVariables(parseMappings(text), BODY)))).toEqual(new Set(['']));
  });

  test('that must be there are all named when they are missing', () => {
    const mappings = parseMappings('A!=/x,B!=/release/notes,C!=/release/empty,D!=y.z');
    expect(() => toVariables(mappings, BODY)).toThrow(Refusal);
    expect(() => toVariables(mappings, BODY)).toThrow(/: \/x, which A .*; \/release\/notes, which B .*; y\.z, which D [^;]*$/);
  });

  test('have a limit', () => {
    expect(() => toVariables(parseMappings('A=/a'), { a: 'x'.repeat(32_769) })).toThrow(/32769 characters/);
  });

  test.each([
    ['A', /form NAME=place/],
    ['=/x', /form NAME=place/],
    ['A-B=/x', /no name of a variable/],
    ['1A=/x', /no name of a variable/],
    ['gofer_run_id=/x', /Gofer's own/],
    ['A=/x,a=/y', /twice/],
    ['A=', /1 to 1000/],
    ['A=/x~2', /"~" is written/],
    [Array.from({ length: 101 }, (_, index) => `A${index}=/x`).join(','), /at most 100/],
  ])('%.20j is refused', (text, message) => {
    expect(() => parseMappings(text)).toThrow(Refusal);
    expect(() => parseMappings(text)).toThrow(message);
  });

  test('never throw for any body, and never are references', () => {
    const name = fc.oneof(fc.constantFrom('a', 'b', '0', '1', '', '__proto__', 'length'), fc.string());
    const leaf = fc.oneof(
      fc.constant('pipeline_secret{{key}}'),
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.boolean(),
      fc.constant(null),
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value')), fc.dictionary(name, tie('value'))),
    }));
    const place = fc.array(fc.constantFrom('a', 'b', '0', '1', '__proto__', 'length', 'toString'), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(value, fc.array(place, { maxLength: 5 }), (body, places) => {
        const mappings = parseMappings(places.map((path, index) => `V${index}=/${path.join('/')}`).join('\n'));
        const variables = toVariables(mappings, body);
        expect(Object.keys(variables)).toHaveLength(places.length);
        for (const text of Object.values(variables)) {
          expect(text).not.toMatch(/^\s*pipeline_secret\{\{/);
          expect(text.isWellFormed()).toBe(true);
        }
      }),
    );
  });
});

describe('a filter', () => {
  test.each([
    ['', true],
    ['release.version=1.2.0', true],
    ['release.version=1.2.0, count=3,/release/draft=false', true],
    ['release.version=1.2.0,count=4', false],
    ['release.nothing=', false],
    ['release.empty=', true],
    ['release.notes=null', true],
    ['constructor=x', false],
  ])('%j fits: %j', (text, fits) => {
    expect(fitsFilter(parseFilter(text), BODY)).toBe(fits);
  });

  test('has a value with everything behind the first =', () => {
    expect(fitsFilter(parseFilter('q=a=b'), { q: 'a=b' })).toBe(true);
  });

  test('holds when each of its conditions does', () => {
    const body = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'));
    const wanted = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2')), { maxLength: 4 });
    fc.assert(
      fc.property(body, wanted, (given, conditions) => {
        const filter = parseFilter(conditions.map(([name, value]) => `${name}=${value}`).join(','));
        expect(fitsFilter(filter, given)).toBe(conditions.every(([name, value]) => given[name] === value));
      }),
    );
  });

  test('without = is refused', () => {
    expect(() => parseFilter('release.version')).toThrow(Refusal);
  });
});
