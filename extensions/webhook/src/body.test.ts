import { Refusal } from '@gofer/sdk/extension';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isDeeperThan, parseBody, toText } from './body.ts';
import { parsePointer, valueAt } from './pointer.ts';

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

describe('a body', () => {
  test('has its numbers as they are written', () => {
    const text = '{"id":12345678901234567890,"price":1.50,"all":[1e3,2,{"x":-0.0}],"small":7}';
    const body = parseBody(text, JSON_TYPE);
    const read = (place: string) => toText(valueAt(body, parsePointer(place)));
    expect([read('id'), read('price'), read('/all'), read('all.2.x'), read('small')]).toEqual([
      '12345678901234567890',
      '1.50',
      '[1e3,2,{"x":-0.0}]',
      '-0.0',
      '7',
    ]);
    expect(read('id.rawJSON')).toBeUndefined();
  });

  test('may be a form', () => {
    const body = parseBody('name=a+b&tag=1&tag=2&__proto__=x', FORM_TYPE);
    expect(valueAt(body, ['name'])).toBe('a b');
    expect(valueAt(body, ['tag'])).toEqual(['1', '2']);
    expect(valueAt(body, ['__proto__'])).toBe('x');
  });

  test.each([
    ['{"a":', JSON_TYPE],
    ['"text"', JSON_TYPE],
    ['12.5', JSON_TYPE],
    ['1.50', JSON_TYPE],
    ['null', JSON_TYPE],
    ['', JSON_TYPE],
    ['{}', 'text/plain'],
    ['{}', ''],
    [`${'['.repeat(101)}${']'.repeat(101)}`, JSON_TYPE],
    ['['.repeat(1_000_000), JSON_TYPE],
    ['1700000000.a=b', FORM_TYPE],
  ])('%.30j as %j is refused', (text, type) => {
    expect(() => parseBody(text, type)).toThrow(Refusal);
  });

  test.each(['application/json; charset=utf-8', 'Application/JSON', 'application/cloudevents+json'])('of type %s is JSON', (type) => {
    expect(parseBody('[1]', type)).toEqual([1]);
  });

  test('that is JSON comes out as it went in, place by place', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })), (written) => {
        const text = JSON.stringify(written);
        const body = parseBody(text, JSON_TYPE);
        for (const [name, value] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
          const found = toText(valueAt(body, parsePointer(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`)));
          expect(found).toBe(typeof value === 'string' ? value : JSON.stringify(value));
        }
      }),
    );
  });

  test('is as deep as it is nested', () => {
    const { json } = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof({ depthSize: 'medium' }, fc.string(), fc.integer(), fc.array(tie('json'), { maxLength: 3 })),
    }));
    const depth = (value: unknown): number => (Array.isArray(value) ? 1 + Math.max(0, ...value.map(depth)) : 0);
    fc.assert(
      fc.property(json, fc.nat(6), (value, limit) => {
        expect(isDeeperThan(JSON.stringify(value), limit)).toBe(depth(value) > limit);
      }),
    );
  });
});
