/** What the auth suite needs of whoever runs it. */
import type { Auth, AuthCapabilities, AuthHost, AuthPrincipal, Credentials, TokenDirectory } from '../auth.ts';
import type { PluginInstance } from '../plugin.ts';
import type { Harness } from './trial.ts';

export type OpenAuth = Auth & PluginInstance;

/** What credentials may be when they are shown for the first time. */
export type CredentialKind = 'good' | 'expired' | 'disabled';

/** How good credentials end while the server runs. `revoked`: the back end no longer knows them, or knows that they were taken back. */
export type Ending = 'expired' | 'disabled' | 'revoked';

export interface IssuedCredentials {
  /** The token is 16 characters or more, and as long and as random as they are in earnest. */
  readonly credentials: Credentials;
  /** Whom they belong to, or would if they were good. The order of roles and groups does not count. */
  readonly principal: AuthPrincipal;
}

export interface AuthHarness extends Harness {
  /** What the plugin declares; the suite checks that it says the same and holds it to the laws of what is there and of what is not. */
  readonly capabilities: AuthCapabilities;
  /** Must create an instance, ready for use, which accepts what was issued before, for another instance too. */
  create(host: AuthHost): Promise<OpenAuth>;
  /** Makes credentials that there were not before. Is asked for no kind of `lacks`. */
  issue(kind: CredentialKind): Promise<IssuedCredentials>;
  /** The kinds that credentials of this back end can never be. Default: none. */
  readonly lacks?: readonly Exclude<CredentialKind, 'good'>[];
  /**
   * The ways in which good credentials end here while the server runs; each makes it so, and resolves when the back end knows. For
   * `expired` move what `now` says, or wait.
   */
  readonly endings?: Readonly<Partial<Record<Ending, (credentials: Credentials) => Promise<void>>>>;
  /**
   * How long the plugin keeps answers, milliseconds, as its documentation states: so long credentials may still be accepted once they are
   * disabled or revoked (never once they have expired), and while the back end cannot be asked. Default: 0.
   */
  readonly keepsAnswersMs?: number;
  /**
   * Makes the back end fail until the function that it resolves with is called: health is bad, and credentials that were issued before
   * and never shown cannot be checked. Declares that this back end can fail.
   */
  readonly unreachable?: () => Promise<() => void | Promise<void>>;
  /** Needed with the capability `login`. */
  readonly login?: LoginHarness;
  /** What `host.tokens` is. Default: a directory without tokens. */
  readonly tokens?: TokenDirectory;
  /** What `host.now` is. Default: `Date.now`. */
  readonly now?: () => number;
}

/** A person with a browser, for plugins with a login. */
export interface LoginHarness {
  /** Goes to the address of `beginLogin` and proves there who one is; resolves with the address that the browser is sent to then. */
  approve(url: string): Promise<{ readonly returnedTo: string; readonly principal: AuthPrincipal }>;
  /** As `approve`, for one who refuses or cannot prove it. Absent: the browser is never sent back then. */
  readonly refuse?: (url: string) => Promise<{ readonly returnedTo: string }>;
}

/** What is declared of a plugin and its back end. */
export interface AuthTraits extends AuthCapabilities {
  readonly kinds: ReadonlySet<CredentialKind>;
  readonly endings: ReadonlySet<Ending>;
  readonly canFail: boolean;
  /** A browser comes back from a login that was refused, too. */
  readonly refusesLogin: boolean;
}

export function traitsOf(harness: AuthHarness): AuthTraits {
  const lacks: ReadonlySet<CredentialKind> = new Set(harness.lacks);
  const { expired, disabled, revoked } = harness.endings ?? {};
  const endings = { expired, disabled, revoked };
  return {
    ...harness.capabilities,
    kinds: new Set((['good', 'expired', 'disabled'] as const).filter((kind) => !lacks.has(kind))),
    endings: new Set((['expired', 'disabled', 'revoked'] as const).filter((ending) => endings[ending] !== undefined)),
    canFail: harness.unreachable !== undefined,
    refusesLogin: harness.capabilities.login && harness.login?.refuse !== undefined,
  };
}
