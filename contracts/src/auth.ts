/**
 * The auth contract: who is behind the credentials of a request. What a principal may do (roles, permissions and their matching) is the
 * kernel's, and so are the tokens that it hands out: a plugin that knows tokens asks for them through `host.tokens`.
 *
 * The caller is the kernel. It bounds the length of credentials and the rate of failures, and it asks again for every request: a plugin
 * that asks something slow keeps its answers itself. Nothing of a credential must reach a log or an error. A failure is an error with a
 * `code` of `errors.ts`.
 */
import type { PluginHost } from './plugin.ts';

/** What a request carries (RFC 6750): at most 4,096 visible ASCII characters, one at least. */
export interface Credentials {
  readonly kind: 'bearer';
  readonly token: string;
}

/** Who is calling. */
export interface AuthPrincipal {
  /** Of the credential, such as a token's uuid: stable, and no secret. */
  readonly id: string;
  /** For people and for the audit. */
  readonly user: string;
  /** Ids of roles that the principal holds; those that do not exist count for nothing. */
  readonly roles: readonly string[];
  /** Names of groups, as the back end knows them. */
  readonly groups: readonly string[];
}

/** What a back end may lack. A method whose capability is false must reject with `UNSUPPORTED`. */
export interface AuthCapabilities {
  /** `beginLogin` and `completeLogin` work. */
  readonly login: boolean;
}

export interface LoginRequest {
  /** Where the person's browser is to be sent when it is done; absolute. */
  readonly redirectUrl: string;
  /** Must come back unchanged with the answer, so that the kernel knows its own logins again. */
  readonly state: string;
}

export interface Auth {
  readonly capabilities: AuthCapabilities;

  /**
   * Resolves with who the credentials belong to. Must reject with `UNAUTHENTICATED` where they are unknown, malformed, expired or
   * disabled (a message may say which only to whoever holds the whole secret), and with `UNAVAILABLE` where the back end cannot be asked:
   * never with a principal in doubt. What takes back a credential must count from the next call on, or after the time that the plugin's
   * documentation states.
   */
  authenticate(credentials: Credentials): Promise<AuthPrincipal>;

  /** Resolves with the address to which the person's browser is to be sent. */
  beginLogin(request: LoginRequest): Promise<{ readonly url: string }>;

  /** `answer`: the query parameters with which the browser has come back. Rejects with `UNAUTHENTICATED` where they prove nothing. */
  completeLogin(request: LoginRequest, answer: Readonly<Record<string, string>>): Promise<AuthPrincipal>;
}

/** A token that the kernel has handed out, without its secret. Times are epoch milliseconds. */
export interface TokenRecord {
  readonly id: string;
  readonly user: string;
  readonly roles: readonly string[];
  /** SHA-256 of the secret's bytes, lower-case hexadecimal. */
  readonly hash: string;
  /** 0: never. */
  readonly expires: number;
  readonly disabled: boolean;
}

/** The kernel's tokens, for plugins. */
export interface TokenDirectory {
  /** By the SHA-256 of the secret, lower-case hexadecimal; undefined where there is none. */
  find(hash: string): Promise<TokenRecord | undefined>;
}

/** What the kernel gives to an auth plugin. */
export interface AuthHost extends PluginHost {
  readonly tokens: TokenDirectory;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Every token of the kernel begins with it, so that one that has leaked is recognised, by people and by scanners. */
export const TOKEN_PREFIX = 'gofer_';
