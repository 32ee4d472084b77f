import { createHmac } from 'node:crypto';
import { Refusal } from '@gofer/sdk/extension';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fingerprintOf, isSignedWith, readSignature, WINDOW_MS } from './signature.ts';

const NOW = 1_700_000_000_000;
const hmac = (secret: string, text: string | Uint8Array) => `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`;

describe('a signature', () => {
  test('is over the body, or over the time and the body', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.uint8Array(),
        fc.boolean(),
        fc.integer({ min: -299, max: 299 }),
        (secret, body, timed, late) => {
          const time = String(NOW / 1000 + late);
          const text = timed ? Buffer.concat([Buffer.from(`${time}.`), body]) : body;
          const headers = { 'x-gofer-signature-256': hmac(secret, text), ...(timed ? { 'x-gofer-timestamp': time } : {}) };
          const signature = readSignature(headers, NOW);
          expect(isSignedWith(secret, signature, body)).toBe(true);
          expect(isSignedWith(`${secret}x`, signature, body)).toBe(false);
          expect(isSignedWith(secret, signature, Buffer.concat([body, Buffer.from('x')]))).toBe(false);
        },
      ),
    );
  });

  test('with a time holds for no other time', () => {
    const text = String(NOW / 1000);
    const headers = { 'x-gofer-signature-256': hmac('secret', `${text}.{}`), 'x-gofer-timestamp': String(NOW / 1000 + 1) };
    expect(isSignedWith('secret', readSignature(headers, NOW), Buffer.from('{}'))).toBe(false);
  });

  test('may be the one that GitHub sends, whose time is nobody’s', () => {
    const headers = { 'x-hub-signature-256': hmac('secret', '{}'), 'x-gofer-timestamp': '5' };
    expect(isSignedWith('secret', readSignature(headers, NOW), Buffer.from('{}'))).toBe(true);
  });

  test('is the same in capitals, and has one fingerprint', () => {
    const lower = { 'x-gofer-signature-256': hmac('secret', '{}') };
    const upper = { 'x-gofer-signature-256': `sha256=${hmac('secret', '{}').slice(7).toUpperCase()}` };
    const fingerprints = [lower, upper].map((headers) => fingerprintOf(readSignature(headers, NOW)));
    expect(new Set(fingerprints).size).toBe(1);
    expect(fingerprints[0]).not.toBe(lower['x-gofer-signature-256'].slice(7));
  });

  test.each([{}, { 'x-gofer-signature-256': '' }, { 'x-gofer-signature-256': 'sha1=00' }, { 'x-gofer-signature-256': 'sha256=00' }])(
    'is missed in %j',
    (headers) => {
      expect(() => readSignature(headers, NOW)).toThrow(Refusal);
    },
  );

  test.each(['', 'now', '-1', '1e9', String((NOW - WINDOW_MS) / 1000 - 1), String((NOW + WINDOW_MS) / 1000 + 1), String(NOW)])(
    'of the time %j is refused',
    (timestamp) => {
      const headers = { 'x-gofer-signature-256': hmac('secret', '{}'), 'x-gofer-timestamp': timestamp };
      expect(() => readSignature(headers, NOW)).toThrow(Refusal);
    },
  );
});
