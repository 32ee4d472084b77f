import type { Permission } from '@gofer/contracts/api';
import { ADMIN_ROLE, type Principal, type TargetIds } from '../../domain/index.ts';
import type { PresentedCredentials } from './credentials.ts';

export type { Principal } from '../../domain/index.ts';

/** Credentials and permissions, as the HTTP layer asks for them. */
export interface Authority {
  /** True: no credentials are asked for, so that web pages must be kept out by other means. */
  readonly bypassed: boolean;
  /**
   * Must reject with `UNAUTHENTICATED` where credentials are missing (unless the route asks for none) or wrong, and with
   * `RESOURCE_EXHAUSTED` where wrong ones come too often from `address`.
   */
  authenticate(presented: PresentedCredentials, route: AuthenticatedRoute, address: string): Principal | Promise<Principal>;
  /** The same, once more, for whoever was let in with these before: what has become wrong meanwhile is nobody's guess, and is not counted. */
  confirm(presented: PresentedCredentials, route: AuthenticatedRoute): Principal | Promise<Principal>;
  /** `ids`: the decoded path parameters, which targets are matched against. */
  authorize(principal: Principal, permission: Permission, ids: TargetIds): boolean;
}

/** What of a route the credentials depend on. */
export interface AuthenticatedRoute {
  readonly method: string;
  readonly permission: Permission;
}

/** Everyone may do everything: development mode, on loopback only. */
export const BYPASSED_AUTHORITY: Authority = Object.freeze({
  bypassed: true,
  authenticate: () => ANONYMOUS,
  confirm: () => ANONYMOUS,
  authorize: () => true,
});

/**
 * The same, but for extensions: who has the token of one is that one, and may do what it may anywhere, so that what is tried out in
 * development works as it does in production.
 */
export function createBypassedAuthority(access: {
  extensionOfToken(token: string): Principal | undefined;
  authorize(principal: Principal, permission: Permission, ids: TargetIds): boolean;
}): Authority {
  const identify = (presented: PresentedCredentials): Principal =>
    (presented.kind === 'token' ? access.extensionOfToken(presented.token) : undefined) ?? ANONYMOUS;
  return {
    bypassed: true,
    authenticate: identify,
    confirm: identify,
    authorize: (principal, permission, ids) => principal.extension === undefined || access.authorize(principal, permission, ids),
  };
}
const ANONYMOUS: Principal = Object.freeze({ id: '0', user: 'Anonymous', roles: Object.freeze([ADMIN_ROLE]) });
