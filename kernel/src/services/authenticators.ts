/** Which plugin is asked whose a token is, and what none of them has to see to: what a token may look like, and how long is waited. */
import { type Auth, type AuthPrincipal, GoferError, TOKEN_PREFIX } from '@gofer/contracts';

export interface AuthenticatorsOptions {
  /** Knows the tokens that this server hands out. */
  readonly tokens: Auth;
  /** That of the configuration; may be the same. */
  readonly configured: Auth;
  /** How long an answer is waited for. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** RFC 6750 allows less; older tokens and those of other back ends are let through to the plugin that knows. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

export class Authenticators {
  readonly #tokens: Auth;
  readonly #configured: Auth;
  readonly #timeoutMs: number;

  constructor({ tokens, configured, timeoutMs = DEFAULT_TIMEOUT_MS }: AuthenticatorsOptions) {
    this.#tokens = tokens;
    this.#configured = configured;
    this.#timeoutMs = timeoutMs;
  }

  /** Rejects with `UNAUTHENTICATED`, and with `UNAVAILABLE` where it cannot be known (in time). */
  async authenticate(token: string): Promise<AuthPrincipal> {
    if (!TOKEN.test(token))
      throw new GoferError(
        'UNAUTHENTICATED',
        'A token is 1 to 4096 visible ASCII characters: check that it was copied whole, without spaces',
      );
    const auth = token.startsWith(TOKEN_PREFIX) ? this.#tokens : this.#configured;
    return this.#inTime(auth.authenticate({ kind: 'bearer', token }));
  }

  async #inTime(answer: Promise<AuthPrincipal>): Promise<AuthPrincipal> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(
        new GoferError('UNAVAILABLE', 'The plugin that knows the tokens does not answer: try again, and look into the log of the server'),
      );
    }, this.#timeoutMs);
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
