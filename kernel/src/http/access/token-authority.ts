/** Credentials are asked for and checked. One authority belongs to one listener: that for tasks takes the tokens of tasks and extensions only. */
import { codeOf, type GoferError } from '@gofer/contracts';
import type { Permission } from '@gofer/contracts/api';
import type { AccessControl } from '../../access/access-control.ts';
import { ANONYMOUS_ROLE, type Principal, type TargetIds } from '../../domain/index.ts';
import { AnsweredError } from '../error-answer.ts';
import type { AuthenticatedRoute, Authority } from './authority.ts';
import type { PresentedCredentials } from './credentials.ts';

export interface TokenAuthorityOptions {
  readonly access: Pick<AccessControl, 'ofToken' | 'ofSession' | 'authorize'>;
  /** `server.anonymous_read`. */
  readonly anonymousRead: boolean;
  /** True: nobody but tasks and extensions is let in, and nothing is done for whoever has no token. */
  readonly tasksOnly: boolean;
  /** Counts a failure of this address; the seconds that it has to wait, once there were too many. */
  readonly failed: (address: string) => Promise<number | undefined>;
}

/** The error for credentials that are wrong. */
type Refusal = (message: string) => GoferError | Promise<GoferError>;

const NOBODY: Principal = Object.freeze({ id: '', user: '', roles: [] });
const ANONYMOUS: Principal = Object.freeze({ id: '', user: ANONYMOUS_ROLE, roles: [ANONYMOUS_ROLE] });

export class TokenAuthority implements Authority {
  readonly bypassed = false;
  readonly #options: TokenAuthorityOptions;

  constructor(options: TokenAuthorityOptions) {
    this.#options = options;
  }

  authenticate(presented: PresentedCredentials, route: AuthenticatedRoute, address: string): Principal | Promise<Principal> {
    return this.#admit(presented, route, (message) => this.#refusal(message, address));
  }

  confirm(presented: PresentedCredentials, route: AuthenticatedRoute): Principal | Promise<Principal> {
    return this.#admit(presented, route, (message) => unauthenticated(message, 'invalid_token'));
  }

  authorize(principal: Principal, permission: Permission, ids: TargetIds): boolean {
    return this.#options.access.authorize(principal, permission, ids);
  }

  #admit(presented: PresentedCredentials, route: AuthenticatedRoute, refusal: Refusal): Principal | Promise<Principal> {
    const { permission } = route;
    if (permission === 'none') {
      if (this.#options.tasksOnly && route.method !== 'GET') throw notHere();
      return NOBODY;
    }
    if (presented.kind === 'malformed') throw unauthenticated(`The credentials cannot be read: ${presented.fault}.`);
    if (presented.kind === 'none') {
      if (this.#options.anonymousRead && !this.#options.tasksOnly && typeof permission === 'object' && permission.anonymous === true)
        return ANONYMOUS;
      throw unauthenticated('This needs a token, and the request carries none: send the header `Authorization: Bearer TOKEN`.');
    }
    return this.#check(presented, refusal);
  }

  async #check(presented: Exclude<PresentedCredentials, { kind: 'none' | 'malformed' }>, refusal: Refusal): Promise<Principal> {
    const { access, tasksOnly } = this.#options;
    let principal: Principal;
    try {
      principal = await (presented.kind === 'token' ? access.ofToken(presented.token) : access.ofSession(presented.secret));
    } catch (error) {
      if (codeOf(error) === 'UNAUTHENTICATED') throw await refusal(error instanceof Error ? error.message : '');
      throw error;
    }
    if (tasksOnly && principal.scope === undefined && principal.extension === undefined) throw notHere();
    return principal;
  }

  /** Only failures are counted, and only failures wait: whoever has a good token is answered meanwhile. */
  async #refusal(message: string, address: string): Promise<GoferError> {
    const wait = await this.#options.failed(address);
    if (wait === undefined) return unauthenticated(message, 'invalid_token');
    return new AnsweredError(
      'RESOURCE_EXHAUSTED',
      `Too many requests with wrong credentials came from this address: try again in ${wait} s (limits.failed_authentications).`,
      { headers: { 'retry-after': String(wait) } },
    );
  }
}

/** RFC 6750 §3. */
export function unauthenticated(message: string, error?: 'invalid_token' | 'insufficient_scope'): AnsweredError {
  const challenge = `Bearer realm="gofer"${error === undefined ? '' : `, error="${error}"`}`;
  return new AnsweredError(error === 'insufficient_scope' ? 'PERMISSION_DENIED' : 'UNAUTHENTICATED', message, {
    headers: { 'www-authenticate': challenge },
  });
}

function notHere(): GoferError {
  return unauthenticated(
    "This address serves tasks and extensions only: it takes the tokens that they are given. Use the server's main address.",
  );
}
