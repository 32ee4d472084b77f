/**
 * What a masker holds back may be the beginning of a secret, and has to survive the process: it goes into the index sealed with
 * AES-256-GCM, bound to its attempt and stream. Form: nonce (12 bytes), sealed (flags u8 · covered u32 · what is held), tag (16 bytes).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { MaskerState } from '../masking/stream-masker.ts';

export const MASKING_KEY_BYTES = 32;

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FIXED_BYTES = 5;
const IN_MASK = 1;

export function sealState(state: MaskerState, key: Uint8Array, attemptId: string, stream: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(context(attemptId, stream));
  const plain = Buffer.allocUnsafeSlow(FIXED_BYTES + state.held.length);
  plain[0] = state.inMask ? IN_MASK : 0;
  plain.writeUInt32LE(state.covered, 1);
  plain.set(state.held, FIXED_BYTES);
  const sealed = cipher.update(plain);
  cipher.final();
  return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
}

/** Undefined where it was sealed under another key, or is not what was sealed. */
export function openState(sealed: Uint8Array, key: Uint8Array, attemptId: string, stream: string): MaskerState | undefined {
  if (sealed.length < NONCE_BYTES + FIXED_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES)).setAAD(context(attemptId, stream));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    // The only thing that it says is that the tag does not fit.
    return undefined;
  }
  return { inMask: plain[0] === IN_MASK, covered: plain.readUInt32LE(1), held: plain.subarray(FIXED_BYTES) };
}

function context(attemptId: string, stream: string): Buffer {
  return Buffer.from(`gofer log masking 1\n${stream}\n${attemptId}`);
}
