import { createHmac } from 'node:crypto';
import { Refusal } from '@gofer/sdk/extension';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDelivery } from './read-delivery.ts';

const SECRET = 'a long random text';

function signed(body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}, secret = SECRET) {
  return {
    headers: {
      'x-github-event': 'push',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: Buffer.from(body),
  };
}

describe('what GitHub has signed', () => {
  test('is read, as JSON and as a form', async () => {
    const payload = { ref: 'refs/heads/größer', text: 'a&b=c+d' };
    const json = JSON.stringify(payload);
    const form = new URLSearchParams({ payload: json }).toString();
    const asForm = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const event of [signed(json), signed(json, { 'content-type': 'Application/JSON; charset=utf-8' }), signed(form, asForm)]) {
      expect(await readDelivery(event, SECRET)).toMatchObject({ id: '72d3162e-cc78-11e3-81ab-4c9367dc0958', event: 'push', payload });
    }
  });

  test('has a fingerprint that depends on the body only', async () => {
    const first = await readDelivery(signed('{}'), SECRET);
    const second = await readDelivery(signed('{}', { 'x-github-delivery': 'another', 'x-github-event': 'release' }), SECRET);
    const third = await readDelivery(signed('{ }'), SECRET);
    expect(second.fingerprint).toBe(first.fingerprint);
    expect(third.fingerprint).not.toBe(first.fingerprint);
  });

  test('and anything else is refused', async () => {
    const one = signed('{"a":1}');
    const refused = [
      { ...one, headers: { ...one.headers, 'x-hub-signature-256': '' } },
      { ...one, headers: { ...one.headers, 'x-hub-signature-256': 'sha256=' } },
      { ...one, headers: { ...one.headers, 'x-hub-signature-256': one.headers['x-hub-signature-256'].toUpperCase() } },
      { ...one, headers: { ...one.headers, 'x-hub-signature-256': one.headers['x-hub-signature-256'].slice('sha256='.length) } },
      signed('{"a":1}', {}, 'another secret'),
      { ...one, body: new Uint8Array() },
      signed(''),
      signed(Uint8Array.of(0xff, 0x7b)),
      signed('{"a":'),
      signed('[]'),
      signed('null'),
      signed('{}', { 'content-type': 'text/plain' }),
      signed('{}', { 'content-type': '' }),
      signed('a=1', { 'content-type': 'application/x-www-form-urlencoded' }),
      signed('{}', { 'x-github-event': '' }),
      signed('{}', { 'x-github-event': 'Push!' }),
      signed('{}', { 'x-github-delivery': '' }),
      signed('{}', { 'x-github-delivery': 'x'.repeat(101) }),
      { headers: {}, body: one.body },
    ];
    for (const event of refused) await expect(readDelivery(event, SECRET)).rejects.toThrow(Refusal);
  });

  test('so is every body of which one bit was changed, and every other signature', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.nat(), fc.nat(255), async (json, at, change) => {
        const body = Buffer.from(`{"value":${json}}`);
        const event = signed(body);
        expect(await readDelivery(event, SECRET)).toHaveProperty('payload');
        const changed = Buffer.from(body);
        const index = at % changed.length;
        changed[index] = (changed[index] ?? 0) ^ (1 << (change % 8));
        await expect(readDelivery({ ...event, body: changed }, SECRET)).rejects.toThrow(Refusal);
        const signature = event.headers['x-hub-signature-256'];
        const digit = 'sha256='.length + (at % 64);
        const other = signature[digit] === '0' ? '1' : '0';
        const forged = signature.slice(0, digit) + other + signature.slice(digit + 1);
        await expect(readDelivery({ ...event, headers: { ...event.headers, 'x-hub-signature-256': forged } }, SECRET)).rejects.toThrow(
          Refusal,
        );
      }),
    );
  });
});
