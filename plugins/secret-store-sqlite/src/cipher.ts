/**
 * AES-256-GCM (NIST SP 800-38D) under keys that are derived by HKDF-SHA256 (RFC 5869) from what the operator has configured.
 *
 * Nonces are 96 random bits. Under one key at most 2^32 values may be encrypted so (SP 800-38D, section 8.3: the chance that two nonces
 * meet then stays below 2^-32); a key that gets near it is rotated, which begins to count anew. HKDF does not make up for a key that can
 * be guessed: the configured one has to be random.
 *
 * No failure of the cryptography leaves this file as an error: an error of `node:crypto` may one day carry what it was given.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { GoferError } from '@gofer/contracts';

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface Sealed {
  readonly nonce: Uint8Array;
  /** The encrypted bytes, then the tag. */
  readonly sealed: Uint8Array;
}

/** The key of `id` in the file that has `salt`. Another file, another id or another configured key gives another one. */
export function deriveKey(configured: string, salt: Uint8Array, id: string): KeyObject {
  const bytes = Buffer.from(hkdfSync('sha256', Buffer.from(configured, 'utf8'), salt, `gofer secret-store-sqlite 1 ${id}`, KEY_BYTES));
  try {
    return createSecretKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

/** `name` is authenticated with the bytes: under another name they cannot be opened. */
export function seal(key: KeyObject, name: string, plain: Uint8Array): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  try {
    const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(name, 'utf8'));
    const body = cipher.update(plain);
    const rest = cipher.final();
    return { nonce, sealed: Buffer.concat([body, rest, cipher.getAuthTag()]) };
  } catch {
    throw new GoferError(
      'INTERNAL',
      `the secret "${name}" cannot be encrypted: its value is no Uint8Array, or AES-256-GCM is not to be had`,
    );
  }
}

/** The bytes in memory of their own; undefined where the key is another one, or anything was changed. */
export function unseal(key: KeyObject, name: string, { nonce, sealed }: Sealed): Uint8Array | undefined {
  if (nonce.byteLength !== NONCE_BYTES || sealed.byteLength < TAG_BYTES) return undefined;
  const body = sealed.subarray(0, -TAG_BYTES);
  try {
    const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(name, 'utf8'));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const opened = decipher.update(body);
    decipher.final();
    return new Uint8Array(opened);
  } catch {
    return undefined;
  }
}
