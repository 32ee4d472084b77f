/** How a sender shows that it has the secret: an HMAC-SHA256 over the body, or over the time and the body. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type ExternalEvent, Refusal } from '@gofer/sdk/extension';

/** How far the time of a sender may be from ours. */
export const WINDOW_MS = 300_000;

export interface Signature {
  /** Lower-case hexadecimal. */
  readonly digest: string;
  /** As it was sent, seconds since 1970; undefined where the body alone is signed. */
  readonly timestamp: string | undefined;
}

/** Throws a `Refusal` where there is none, or its time is not now. */
export function readSignature(headers: ExternalEvent['headers'], now: number): Signature {
  const own = headers['x-gofer-signature-256'];
  // GitHub, Gitea, Forgejo and others sign their bodies so, without a time.
  const text = own ?? headers['x-hub-signature-256'] ?? '';
  const digest = /^sha256=([0-9a-f]{64})$/i.exec(text.trim())?.[1]?.toLowerCase();
  if (digest === undefined) throw new Refusal('The call is not signed: X-Gofer-Signature-256 is to be sha256= and 64 hexadecimal digits.');
  const timestamp = own === undefined ? undefined : headers['x-gofer-timestamp']?.trim();
  if (timestamp === undefined) return { digest, timestamp };
  if (!/^\d{1,12}$/.test(timestamp)) throw new Refusal('X-Gofer-Timestamp is to be a whole number: seconds since 1970.');
  if (Math.abs(Number(timestamp) * 1000 - now) > WINDOW_MS) {
    throw new Refusal(`X-Gofer-Timestamp is more than ${WINDOW_MS / 60_000} minutes from now: sign again, and look at the sender's clock.`);
  }
  return { digest, timestamp };
}

/** In a time that does not depend on where the two differ. */
export function isSignedWith(secret: string, { digest, timestamp }: Signature, body: Uint8Array): boolean {
  const mac = createHmac('sha256', secret);
  if (timestamp !== undefined) mac.update(`${timestamp}.`);
  return timingSafeEqual(mac.update(body).digest(), Buffer.from(digest, 'hex'));
}

/** Stands for what was signed, and by whom; tells nothing of the signature. */
export function fingerprintOf({ digest }: Signature): string {
  return createHash('sha256').update(digest).digest('hex');
}
