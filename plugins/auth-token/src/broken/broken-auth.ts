/** An auth plugin that breaks the contract in one way, and what such are made with. */
import type { AuthHost, AuthPrincipal, Credentials, TokenRecord } from '@gofer/contracts';
import { codeOf, GoferError } from '@gofer/contracts';
import type { AuthHarness, OpenAuth } from '@gofer/contracts/conformance';
import type { LoginProvider } from '../login-provider.ts';
import { sha256 } from '../token-harness.ts';

/** `fails` names laws by the beginning of their names, each of which must find the fault. */
export interface BrokenAuth {
  readonly fault: string;
  readonly fails: readonly string[];
  /** True: a plugin with a login. */
  readonly login?: boolean;
  /** What the plugin says of itself beside the truth. */
  readonly declares?: Partial<Pick<AuthHarness, 'capabilities' | 'keepsAnswersMs'>>;
  /** What replaces the methods of the sound plugin. Called for each instance. */
  readonly breaks: (sound: OpenAuth, host: AuthHost, provider: LoginProvider) => Partial<OpenAuth>;
}

export const ANYBODY: AuthPrincipal = Object.freeze({ id: '0', user: 'anybody', roles: [], groups: [] });

type Authenticate = OpenAuth['authenticate'];

/** `otherwise` says what is done with what the sound plugin refuses. */
export function refusing(sound: OpenAuth, otherwise: (credentials: Credentials, error: unknown) => Promise<AuthPrincipal>): Authenticate {
  return async (credentials) => {
    try {
      return await sound.authenticate(credentials);
    } catch (error) {
      if (codeOf(error) !== 'UNAUTHENTICATED') throw error;
      return otherwise(credentials, error);
    }
  };
}

/** Remembers every token that was accepted, and takes another for one that it is `like`. */
export function confusing(sound: OpenAuth, isLike: (token: string, accepted: string) => boolean): Authenticate {
  const accepted = new Map<string, AuthPrincipal>();
  return async (credentials) => {
    try {
      const principal = await sound.authenticate(credentials);
      accepted.set(credentials.token, principal);
      return principal;
    } catch (error) {
      for (const [token, principal] of accepted) if (isLike(credentials.token, token)) return principal;
      throw error;
    }
  };
}

/** Looks a token up as the sound plugin does, and refuses only what `isBad` says. */
export function looking(host: AuthHost, isBad: (record: TokenRecord) => boolean): Authenticate {
  return async ({ token }) => {
    const record = await host.tokens.find(sha256(token)).catch(() => {
      throw new GoferError('UNAVAILABLE', 'the tokens cannot be read');
    });
    if (record === undefined || isBad(record)) throw refusal();
    return toPrincipal(record);
  };
}

export const hasExpired = (record: TokenRecord, host: AuthHost): boolean => record.expires !== 0 && host.now() >= record.expires;

export const refusal = (): GoferError => new GoferError('UNAUTHENTICATED', 'no');

export function toPrincipal({ id, user, roles }: TokenRecord): AuthPrincipal {
  return { id, user, roles, groups: [] };
}
