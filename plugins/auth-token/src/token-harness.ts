/** The plugin as the conformance suite and the tests beside it open it, over tokens that are kept in memory as the kernel keeps its own. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Credentials, TokenDirectory, TokenRecord } from '@gofer/contracts';
import { GoferError, TOKEN_PREFIX } from '@gofer/contracts';
import type { AuthHarness, CredentialKind, Ending, IssuedCredentials } from '@gofer/contracts/conformance';
import { plugin } from './plugin.ts';

const LIFETIME_MS = 3_600_000;

export class TokenBook implements TokenDirectory {
  /** Epoch milliseconds; stands still. */
  now = 1_800_000_000_000;
  isFailing = false;
  readonly #records = new Map<string, TokenRecord>();
  #issued = 0;

  async find(hash: string): Promise<TokenRecord | undefined> {
    if (this.isFailing) throw new GoferError('STORAGE_FULL', 'the disk is full');
    return this.#records.get(hash);
  }

  issue(kind: CredentialKind, token = TOKEN_PREFIX + randomBytes(24).toString('base64url')): IssuedCredentials {
    this.#issued++;
    const [id, user, roles] = [randomUUID(), `user ${this.#issued}`, ['user', `role-${this.#issued}`]];
    // Exactly at the bound: what expires now has expired.
    const expires = kind === 'expired' ? this.now : this.now + LIFETIME_MS;
    const hash = sha256(token);
    this.#records.set(hash, { id, user, roles, hash, expires, disabled: kind === 'disabled' });
    return { credentials: { kind: 'bearer', token }, principal: { id, user, roles, groups: [] } };
  }

  end(ending: Ending, { token }: Credentials): void {
    const record = this.#records.get(sha256(token));
    if (record === undefined) throw new Error('the token was never issued');
    if (ending === 'expired') this.now = record.expires;
    else if (ending === 'revoked') this.#records.delete(record.hash);
    else this.#records.set(record.hash, { ...record, disabled: true });
  }

  /** Fails until the function is called that it gives. */
  fail(): () => void {
    this.isFailing = true;
    return () => {
      this.isFailing = false;
    };
  }
}

export function tokenHarness(name: string, book = new TokenBook()): AuthHarness {
  return {
    name,
    capabilities: { login: false },
    create: (host) => plugin.create({}, host),
    issue: async (kind) => book.issue(kind),
    endings: {
      expired: async (credentials) => book.end('expired', credentials),
      disabled: async (credentials) => book.end('disabled', credentials),
      revoked: async (credentials) => book.end('revoked', credentials),
    },
    unreachable: async () => book.fail(),
    tokens: book,
    now: () => book.now,
  };
}

export function sha256(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
