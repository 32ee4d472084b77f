import fc from 'fast-check';
import { expect, it } from 'vitest';
import { toEventHeaders } from './event-headers.ts';

it('joins what has one name, in lower case, and keeps every character', () => {
  const raw = ['X-Hub-Signature', 'a', 'Accept', 'b', 'x-hub-signature', 'ÿ é', 'Cookie', 'one=1', 'cookie', 'two=2', '__proto__', 'own'];
  const headers = toEventHeaders(raw);
  expect(Object.entries(headers)).toEqual([
    ['x-hub-signature', 'a, ÿ é'],
    ['accept', 'b'],
    ['cookie', 'one=1; two=2'],
    ['__proto__', 'own'],
  ]);
  expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
});

it('leaves out what concerns one hop, also what Connection names', () => {
  const raw = [
    'Connection',
    'keep-alive, X-Private',
    'connection',
    'x-other',
    'Keep-Alive',
    '5',
    'TE',
    'trailers',
    'Expect',
    '100-continue',
  ];
  const rest = ['Transfer-Encoding', 'chunked', 'x-private', '1', 'X-Other', '2', 'Upgrade', 'h2c', 'Content-Length', '3'];
  expect(toEventHeaders([...raw, ...rest])).toEqual({ 'content-length': '3' });
});

it('loses no value of any other header', () => {
  const name = fc.stringMatching(/^x-[a-zA-Z\d_-]{1,8}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string({ maxLength: 10 }))), (pairs) => {
      const headers = toEventHeaders(pairs.flat());
      const names = [...new Set(pairs.map(([each]) => each.toLowerCase()))];
      expect(Object.keys(headers)).toEqual(names);
      for (const each of names) {
        const values = pairs.filter(([given]) => given.toLowerCase() === each).map(([, value]) => value);
        expect(headers[each]).toBe(values.join(', '));
      }
    }),
  );
});
