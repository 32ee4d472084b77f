/**
 * Seals the values of secrets in a backup: AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA256 (RFC 5869) makes of what the
 * operator keeps elsewhere. A value's key in the store is authenticated with it. Form: nonce (12 bytes), encrypted, tag (16 bytes).
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { GoferError } from '@gofer/contracts';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const CHECK = 'check';
/** What anybody could guess protects nothing. */
const SHORTEST_KEY = 32;

export class BackupCipher {
  readonly salt: string;
  readonly #key: Buffer;

  /** Throws `INVALID_ARGUMENT` for a key of fewer than 32 characters. `salt`: hex, of the backup that is read; absent: a new one. */
  constructor(key: string, salt = randomBytes(32).toString('hex')) {
    if (key.length < SHORTEST_KEY)
      throw new GoferError('INVALID_ARGUMENT', `The key of a backup must have ${SHORTEST_KEY} characters or more.`);
    this.salt = salt;
    this.#key = Buffer.from(hkdfSync('sha256', Buffer.from(key, 'utf8'), Buffer.from(salt, 'hex'), 'gofer backup 1', 32));
  }

  /** Recognises the key; tells nothing of it. */
  check(): string {
    return Buffer.from(this.seal(CHECK, Buffer.from(CHECK))).toString('base64');
  }

  assertOpens(check: string): void {
    this.open(CHECK, Buffer.from(check, 'base64'));
  }

  seal(name: string, plain: Uint8Array): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(name));
    const body = cipher.update(plain);
    cipher.final();
    return Buffer.concat([nonce, body, cipher.getAuthTag()]);
  }

  /** Throws `FAILED_PRECONDITION` where the key is another one, or the bytes are not what was sealed. */
  open(name: string, sealed: Uint8Array): Uint8Array {
    const decipher = createDecipheriv(ALGORITHM, this.#key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(name)).setAuthTag(sealed.subarray(-TAG_BYTES));
    const plain = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      // An error of the cryptography may one day carry what it was given.
      throw new GoferError(
        'FAILED_PRECONDITION',
        'The key does not open the secrets of this backup. Give the one that it was made with: --key-file FILE.',
      );
    }
    return new Uint8Array(plain);
  }
}
