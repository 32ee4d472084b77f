import type { IncomingHttpHeaders } from 'node:http';
import type { Permission } from '@gofer/contracts/api';

/** Who is calling, as far as the services need to know. */
export interface Principal {
  readonly id: string;
  readonly user: string;
}

/** Credentials and permissions, as the HTTP layer asks for them; both answer at once where nothing has to be looked up. */
export interface Authority {
  /** True: no credentials are asked for, so that web pages must be kept out by other means. */
  readonly bypassed: boolean;
  /** Must reject with `UNAUTHENTICATED` where credentials are missing (unless the permission is `none`) or wrong. */
  authenticate(headers: IncomingHttpHeaders, permission: Permission): Principal | Promise<Principal>;
  /** Must reject with `PERMISSION_DENIED`. `path` holds the decoded path parameters, which targets are matched against. */
  authorize(principal: Principal, permission: Permission, path: Readonly<Record<string, string>>): void | Promise<void>;
  /** As `authorize`, for a permission that a request needs only for what its body says. */
  permits(principal: Principal, permission: Permission, path: Readonly<Record<string, string>>): boolean | Promise<boolean>;
}

/** Everyone may do everything: development mode, on loopback only. */
export const BYPASSED_AUTHORITY: Authority = Object.freeze({
  bypassed: true,
  authenticate: () => ANONYMOUS,
  authorize: () => undefined,
  permits: () => true,
});
const ANONYMOUS: Principal = Object.freeze({ id: '0', user: 'Anonymous' });
