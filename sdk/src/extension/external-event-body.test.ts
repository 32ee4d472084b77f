import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseExternalEvent } from './external-event-body.ts';

const parse = (json: string) => parseExternalEvent(Buffer.from(json));
const space = fc.stringMatching(/^[ \t\r\n]{0,2}$/);

/** What JSON itself makes of it. */
function reference(json: string): { headers: Record<string, string>; body: number[] } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const { headers, body } = (value ?? {}) as { headers?: unknown; body?: unknown };
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return undefined;
  if (!Object.values(headers).every((text) => typeof text === 'string')) return undefined;
  if (!Array.isArray(body) || !body.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) return undefined;
  return { headers: headers as Record<string, string>, body };
}

describe('an external event', () => {
  test('is what JSON says, whatever its spaces, its order and what stands beside it', async () => {
    const list = fc
      .tuple(fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), space, space)), space)
      .map(([bytes, inside]) => `[${inside}${bytes.map(([byte, before, after]) => `${before}${byte}${after}`).join(',')}]`);
    const json = fc
      .tuple(list, fc.dictionary(fc.stringMatching(/^[a-z-]{1,8}$/), fc.string()), fc.json(), fc.boolean(), space)
      .map(([body, headers, other, bodyFirst, gap]) => {
        const members = [`"headers"${gap}:${gap}${JSON.stringify(headers)}`, `"other":${other}`, `"body"${gap}:${gap}${body}`];
        return `${gap}{${gap}${(bodyFirst ? members.toReversed() : members).join(`${gap},${gap}`)}${gap}}${gap}`;
      });
    await fc.assert(
      fc.asyncProperty(json, async (text) => {
        const event = await parse(text);
        expect({ headers: { ...event.headers }, body: [...event.body] }).toEqual(reference(text));
      }),
    );
  });

  test('that is broken anywhere is refused, or is what JSON says', async () => {
    const whole = '{"headers":{"a":"[1]"},"x":[{"body":[9]}],"bod\\u0079":[1, 20,255 ,0],"y":"\\"body\\":[7]"}';
    expect(await parse(whole)).toEqual({ headers: { a: '[1]' }, body: new Uint8Array([1, 20, 255, 0]) });
    const insert = fc.constantFrom(
      '',
      '0',
      '9',
      '-',
      '.',
      'e',
      ',',
      '[',
      ']',
      '{',
      '}',
      '"',
      '\\',
      ':',
      ' ',
      'null',
      '"body":[5],',
      '"body":1,',
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.nat(4), insert, async (at, removed, inserted) => {
        const text = whole.slice(0, at) + inserted + whole.slice(at + removed);
        const expected = reference(text);
        // Numbers that are bytes but are written as only a few would (1e2, -0, 1.0) may be refused.
        const event = await parse(text).catch((error: unknown) => error as { statusCode?: number });
        if ('body' in event) expect({ headers: event.headers, body: [...event.body] }).toEqual(expected);
        else {
          expect(event.statusCode).toBe(400);
          if (!/[-.eE]/.test(inserted)) expect(expected).toBeUndefined();
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('as base64; header names in lower case, what comes twice joined', async () => {
    const event = await parse('{"headers":{"X-A":"1","x-a":"2"},"body":"AP8="}');
    expect(event).toEqual({ headers: { 'x-a': '1, 2' }, body: Buffer.from([0, 255]) });
    for (const body of [
      '"AP8"',
      '"AP=="x',
      '"A P8"',
      '3',
      'null',
      '{}',
      '[256]',
      '[-1]',
      '[1.5]',
      '["1"]',
      '[01]',
      '[1,]',
      '[,1]',
      '[1 2]',
      '[1',
    ])
      await expect(parse(`{"headers":{},"body":${body}}`)).rejects.toMatchObject({ statusCode: 400 });
  });

  test('of 25 MiB lets others have their turn', async () => {
    const body = Buffer.alloc(25 * 1024 * 1024, 255);
    const json = Buffer.concat([Buffer.from('{"headers":{},"body":[255'), Buffer.from(',255'.repeat(body.length - 1)), Buffer.from(']}')]);
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    const event = await parseExternalEvent(json);
    clearInterval(timer);
    expect(Buffer.compare(event.body, body)).toBe(0);
    expect(turns).toBeGreaterThan(10);
  });
});
