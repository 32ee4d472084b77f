import { GoferError } from '@gofer/contracts';
import { hashSecret, mintSecret } from '../access/mint-secret.ts';
import type { Principal } from '../domain/index.ts';
import type { Store } from '../storage/store.ts';
import type { SessionService } from './services.ts';

export class StoredSessionService implements SessionService {
  readonly #store: Store;
  readonly #lifetimeMs: number;
  readonly #now: () => number;

  constructor(store: Store, lifetimeMs: number, now: () => number) {
    this.#store = store;
    this.#lifetimeMs = lifetimeMs;
    this.#now = now;
  }

  async begin(principal: Principal): Promise<{ secret: string; expires: number; seconds: number }> {
    const { secret, hash } = mintSecret();
    return this.#store.commitAudited(() => {
      const token = this.#store.tokens.byId(principal.id);
      if (token === undefined || principal.scope !== undefined || principal.extension !== undefined)
        throw new GoferError('FAILED_PRECONDITION', 'A session of a browser needs a token of a person, made with `gofer token create`.');
      const end = this.#now() + this.#lifetimeMs;
      const expires = token.expires === 0 ? end : Math.min(end, token.expires);
      this.#store.sessions.insert(hash, token.id, expires);
      return { secret, expires, seconds: Math.ceil((expires - this.#now()) / 1000) };
    });
  }

  async end(secret: string): Promise<void> {
    await this.#store.commitAudited(() => this.#store.sessions.delete(hashSecret(secret)));
  }
}
