import { createHash, randomBytes } from 'node:crypto';
import { TOKEN_PREFIX } from '@gofer/contracts';

const SECRET_BYTES = 32;

export interface MintedSecret {
  /** The prefix and 256 random bits in base64url (RFC 4648 §5): good in a header, a cookie and a sub-protocol. */
  readonly secret: string;
  readonly hash: string;
}

export function mintSecret(): MintedSecret {
  const secret = TOKEN_PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
  return { secret, hash: hashSecret(secret) };
}

/** SHA-256, lower-case hexadecimal. A secret has 256 bits of its own, so that it needs neither salt nor stretching. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
