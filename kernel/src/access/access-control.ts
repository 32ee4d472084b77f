/** Who is behind a request, and what they may do: the roles as they are now, tokens and sessions, and when each was last used. */
import { type AuthPrincipal, codeOf, GoferError, type PluginLog, type TokenDirectory } from '@gofer/contracts';
import type { Permission } from '@gofer/contracts/api';
import {
  EXTENSION_ROLE_PREFIX,
  extensionRole,
  extensionRoleId,
  INJECTED_ROLE,
  type Principal,
  RoleBook,
  SYSTEM_ROLES,
  type TargetIds,
} from '../domain/index.ts';
import type { Store } from '../storage/store.ts';
import type { StoredToken } from '../storage/tokens-table.ts';
import { hashSecret } from './mint-secret.ts';

export interface AccessControlParts {
  readonly store: Store;
  /** The auth plugins. */
  readonly authenticate: (token: string) => Promise<AuthPrincipal>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly log: PluginLog;
}

/** How exactly it is kept when a token was last used, milliseconds. */
const LAST_USED_MS = 60_000;

export class AccessControl {
  readonly #parts: AccessControlParts;
  readonly #used = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #book: RoleBook;

  constructor(parts: AccessControlParts) {
    this.#parts = parts;
    this.#book = this.#readRoles();
    this.#timer = setInterval(() => void this.#writeLastUsed(), LAST_USED_MS).unref();
  }

  /** Rejects with `UNAUTHENTICATED`, and with `UNAVAILABLE` where the plugin's back end cannot be asked. */
  async ofToken(token: string): Promise<Principal> {
    const { id, user, roles } = await this.#parts.authenticate(token);
    if (roles.some((role) => role.startsWith(EXTENSION_ROLE_PREFIX))) {
      const of = this.#parts.store.extensions.ofToken(id);
      if (of === undefined) throw new GoferError('UNAUTHENTICATED', 'The token was given to an extension, and there is no such extension.');
      return this.#touch(this.#asExtension({ id, user, roles }, of));
    }
    if (!roles.includes(INJECTED_ROLE)) return this.#touch({ id, user, roles });
    const stored = this.#parts.store.tokens.byId(id);
    const scope = stored?.task === undefined ? undefined : this.#scopeOf(stored.task.pipelineUid);
    if (scope === undefined) {
      throw new GoferError('UNAUTHENTICATED', 'The token was given to a task, and there is no such task, or its pipeline was deleted.');
    }
    return this.#touch({ id, user, roles, scope });
  }

  /**
   * The same for the token of an extension alone; undefined for every other one. Where nobody needs a token an extension is known by its
   * own all the same.
   */
  extensionOfToken(token: string): Principal | undefined {
    const { store, now } = this.#parts;
    const stored = store.tokens.byHash(hashSecret(token));
    if (stored === undefined || !isGood(stored, now())) return undefined;
    const of = store.extensions.ofToken(stored.id);
    if (of === undefined) return undefined;
    return this.#touch(this.#asExtension({ id: stored.id, user: stored.user, roles: stored.roles }, of));
  }

  /** `secret`: what the session's cookie holds. Rejects with `UNAUTHENTICATED`. */
  async ofSession(secret: string): Promise<Principal> {
    const { store, now } = this.#parts;
    const session = store.sessions.find(hashSecret(secret));
    if (session === undefined || session.expires <= now())
      throw new GoferError('UNAUTHENTICATED', 'The session of this browser has ended: log in again.');
    const token = store.tokens.byId(session.tokenId);
    if (token === undefined || !isGood(token, now()))
      throw new GoferError('UNAUTHENTICATED', "The session's token has expired or was disabled or deleted.");
    if (store.extensions.ofToken(token.id) !== undefined)
      throw new GoferError('UNAUTHENTICATED', 'The token of this session was given to an extension, which has no browser.');
    return this.#touch({ id: token.id, user: token.user, roles: token.roles });
  }

  /** The one decision. `ids`: what the path names. */
  authorize(principal: Principal, permission: Permission, ids: TargetIds): boolean {
    return this.#book.authorize(principal, permission, ids);
  }

  /** To be called after the commit of every change of roles. */
  rolesChanged(): void {
    this.#book = this.#readRoles();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writeLastUsed();
  }

  /** One that is disabled keeps what it has in its own objects until it has ended, and does nothing else. */
  #asExtension(
    { id, user, roles }: Principal,
    { id: extensionId, enabled }: { readonly id: string; readonly enabled: boolean },
  ): Principal {
    const { extensions, subscriptions } = this.#parts.store;
    const isEnabled = (): boolean => extensions.ofToken(id)?.enabled === true;
    const isSubscribed = ({ namespace_id, pipeline_id }: TargetIds): boolean => {
      if (namespace_id === undefined) return false;
      return pipeline_id === undefined
        ? subscriptions.hasInNamespace(extensionId, namespace_id)
        : subscriptions.isSubscribed(extensionId, namespace_id, pipeline_id);
    };
    return { id, user, roles: enabled ? roles : [extensionRoleId(extensionId)], extension: { id: extensionId, isEnabled, isSubscribed } };
  }

  /** Undefined where the pipeline is gone: another one may have its name by now. */
  #scopeOf(pipelineUid: string): Principal['scope'] {
    const { pipelines } = this.#parts.store;
    const names = pipelines.byUid(pipelineUid)?.metadata;
    if (names === undefined) return undefined;
    const { namespace_id: namespaceId, pipeline_id: pipelineId } = names;
    return pipelines.find(namespaceId, pipelineId)?.uid === pipelineUid ? { namespaceId, pipelineId } : undefined;
  }

  #readRoles(): RoleBook {
    const { roles, extensions } = this.#parts.store;
    return new RoleBook([...SYSTEM_ROLES, ...extensions.list().map(({ id }) => extensionRole(id)), ...roles.list()]);
  }

  #touch(principal: Principal): Principal {
    this.#used.set(principal.id, this.#parts.now());
    return principal;
  }

  /** Never rejects: nobody waits for it, and a disk that is full must not end the server. */
  async #writeLastUsed(): Promise<void> {
    const used = [...this.#used];
    this.#used.clear();
    const { store, log } = this.#parts;
    if (used.length === 0) return;
    try {
      await store.commit(() => used.forEach(([id, at]) => store.tokens.setLastUsed(id, at)));
    } catch (error) {
      log('warn', 'when tokens were last used could not be written', { code: codeOf(error), reason: String(error) });
      // With the next ones, where it was not later since.
      for (const [id, at] of used) if (!this.#used.has(id)) this.#used.set(id, at);
    }
  }
}

function isGood(token: StoredToken, now: number): boolean {
  return !token.disabled && (token.expires === 0 || token.expires > now);
}

/** What auth plugins are given of the kernel's tokens. */
export function createTokenDirectory(store: Store): TokenDirectory {
  return { find: async (hash) => store.tokens.byHash(hash) };
}
