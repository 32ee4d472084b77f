import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRequestTarget } from './request-target.ts';

describe('a target', () => {
  test('comes apart into the segments it was made of', () => {
    const segment = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => text !== '.' && text !== '..' && text.isWellFormed());
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1 }), fc.constantFrom('/', '//', '///'), (segments, slash) => {
        const { path } = parseRequestTarget(segments.map((text) => `${slash}${encodeURIComponent(text)}`).join(''));
        expect(path.split('/').slice(1).map(decodeURIComponent)).toEqual(segments);
      }),
    );
  });

  test('is either refused or canonical: taken apart again it is the same', () => {
    const target = fc.string({ unit: fc.constantFrom('/', '.', '%', '2', 'e', 'E', 'f', 'a', '~', '?', ':') });
    fc.assert(
      fc.property(target, (raw) => {
        let path: string;
        try {
          ({ path } = parseRequestTarget(`/${raw}`));
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
          return;
        }
        expect(path).not.toMatch(/\/\/|\/\.{1,2}(?:\/|$)/);
        expect(path === '/' || !path.endsWith('/')).toBe(true);
        expect(parseRequestTarget(path).path).toBe(path);
      }),
    );
  });

  test.each([
    ['/', '/', ''],
    ['//api//x/?a=1&b', '/api/x', 'a=1&b'],
    ['/api/a%2Fb', '/api/a%2Fb', ''],
    ['/%61pi?%61', '/api', '%61'],
    ['http://host:1/api?x', '/api', 'x'],
    ['http://host', '/', ''],
  ])('%s', (raw, path, query) => {
    expect(parseRequestTarget(raw)).toMatchObject({ path, query });
  });
});
