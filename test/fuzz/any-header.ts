/** Headers of which each may be anything: for requests that are right but for a few of them. */
import * as fc from 'fast-check';

export type Headers = readonly (readonly [name: string, value: string])[];

/** Anything that can stand in a header's value; the parser's own refusals are among the answers. */
export const anyValue = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replace(/[\r\n]|[^\0-\xff]/g, '')),
  fc.constantFrom('', ' ', ',', ', ,', ';', '=', 'true', 'null', '0', '-1', '*', '"', '__proto__', 'a'.repeat(5000), 'a,'.repeat(500)),
);

/** `good`, then changed in up to three places: a header more, one less, another value. `extra`: what is added has these names and values. */
export function changed(good: fc.Arbitrary<Headers>, extra: fc.Arbitrary<readonly [string, string]>): fc.Arbitrary<Headers> {
  const change = fc.record({ at: fc.nat(20), to: fc.oneof(extra, anyValue, fc.constant(undefined)) });
  return fc.tuple(good, fc.array(change, { maxLength: 3 })).map(([first, changes]) => changes.reduce(apply, first));
}

function apply(
  headers: Headers,
  { at, to }: { readonly at: number; readonly to: readonly [string, string] | string | undefined },
): Headers {
  const place = at % headers.length;
  const name = headers[place]?.[0] ?? 'x-other';
  if (to === undefined) return headers.length === 1 ? headers : headers.toSpliced(place, 1);
  return typeof to === 'string' ? headers.with(place, [name, to]) : headers.toSpliced(place, 0, to);
}

export function toHead(headers: Headers): string {
  return headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}
