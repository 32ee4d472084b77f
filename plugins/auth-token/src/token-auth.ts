import { createHash, timingSafeEqual } from 'node:crypto';
import type { Auth, AuthHost, AuthPrincipal, Credentials, PluginInstance, TokenRecord } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';

/** Not all of them begin with the prefix: an older release's tokens do not. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** Of no token: one has a character at least. */
const HASH_OF_NOTHING = hashOf('');

/**
 * Keeps nothing: each call asks the kernel's tokens, so that what is disabled or deleted is refused from the next request on. Only a hash
 * leaves this class; secrets have so many random bits that a plain SHA-256 cannot be undone.
 */
export class TokenAuth implements Auth, PluginInstance {
  readonly capabilities = Object.freeze({ login: false });
  readonly #host: AuthHost;

  constructor(host: AuthHost) {
    this.#host = host;
  }

  async authenticate({ token }: Credentials): Promise<AuthPrincipal> {
    if (!TOKEN.test(token)) {
      throw refused('A token is 1 to 4096 visible ASCII characters: check that it was copied whole, without spaces or line breaks');
    }
    const hash = hashOf(token);
    const record = await this.#find(hash);
    // The directory's own comparison may stop at the first difference, or ignore case; what counts is this one.
    if (record === undefined || !isSame(record.hash, hash)) {
      throw refused('The token is not known: check that it is whole and of this server, or ask an administrator for a new one');
    }
    if (record.disabled) throw refused('The token is disabled: ask an administrator to enable it, or for a new one');
    if (record.expires !== 0 && this.#host.now() >= record.expires) {
      throw refused(`The token has expired (${new Date(record.expires).toISOString()}): ask an administrator for a new one`);
    }
    return { id: record.id, user: record.user, roles: record.roles, groups: [] };
  }

  async beginLogin(): Promise<never> {
    throw noLogin();
  }

  async completeLogin(): Promise<never> {
    throw noLogin();
  }

  async health(): Promise<void> {
    await this.#find(HASH_OF_NOTHING);
  }

  async close(): Promise<void> {}

  async #find(hash: string): Promise<TokenRecord | undefined> {
    try {
      return await this.#host.tokens.find(hash);
    } catch (error) {
      this.#host.log('error', 'the tokens cannot be read, so that none is accepted', { reason: String(error) });
      throw new GoferError('UNAVAILABLE', 'Tokens cannot be checked at present: try again, and look into the log of the server', {
        cause: error,
      });
    }
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

function isSame(found: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(found), Buffer.from(wanted)];
  // The length of a hash is no secret.
  return a.length === b.length && timingSafeEqual(a, b);
}

function refused(message: string): GoferError {
  return new GoferError('UNAUTHENTICATED', message);
}

function noLogin(): GoferError {
  return new GoferError('UNSUPPORTED', 'Tokens have no login: send one as "Authorization: Bearer TOKEN"');
}
