/** What a server's roles, tokens and sessions are to be after whatever was asked of it, and what each request is to be answered with. */
import type { Permission } from '@gofer/contracts/api';
import { MODEL_SYSTEM_ROLES, type ModelIds, type ModelPermission, type ModelRole, modelAllows } from './reference-model.ts';

/** The code of an error; undefined for a success. */
export type Code = string | undefined;

export interface ModelToken {
  readonly id: string;
  readonly secret: string;
  readonly roles: readonly string[];
  /** Seconds after it was made; 0: never. No sequence of requests lasts as long. */
  readonly expires: number;
  disabled: boolean;
  deleted: boolean;
}
export interface ModelSession {
  readonly cookie: string;
  readonly token: ModelToken;
  ended: boolean;
}
/** Who sends a request: a token, by itself or through a browser. */
export interface Actor {
  readonly token: ModelToken;
  readonly session?: ModelSession;
}

const SYSTEM: ReadonlySet<string> = new Set(MODEL_SYSTEM_ROLES.map(({ id }) => id));

export class IdentityModel {
  readonly roles = new Map<string, readonly ModelPermission[]>();
  readonly tokens: ModelToken[] = [];
  readonly sessions: ModelSession[] = [];

  /** What a request of a route is answered with before anything is made of it. */
  admission(actor: Actor, permission: Permission, ids: ModelIds = {}): Code {
    const { token, session } = actor;
    if (token.deleted || token.disabled || session?.ended === true) return 'UNAUTHENTICATED';
    return modelAllows([...MODEL_SYSTEM_ROLES, ...this.#ownRoles()], token, permission, ids) ? undefined : 'PERMISSION_DENIED';
  }

  createRole(actor: Actor, id: string, permissions: readonly ModelPermission[], isBroken: boolean): Code {
    const refused = this.admission(actor, 'admin');
    if (refused !== undefined) return refused;
    if (isBroken || id.length < 3) return 'INVALID_ARGUMENT';
    const taken = [...SYSTEM, ...this.roles.keys()].some((known) => known.toLowerCase() === id.toLowerCase());
    if (taken) return 'ALREADY_EXISTS';
    this.roles.set(id, permissions);
    return undefined;
  }

  /** `permissions`: absent where they stay as they are. */
  updateRole(actor: Actor, id: string, permissions: readonly ModelPermission[] | undefined, isBroken: boolean): Code {
    const refused = this.admission(actor, 'admin') ?? (isBroken ? 'INVALID_ARGUMENT' : this.#changeable(id));
    if (refused === undefined && permissions !== undefined) this.roles.set(id, permissions);
    return refused;
  }

  deleteRole(actor: Actor, id: string): Code {
    const refused = this.admission(actor, 'admin') ?? this.#changeable(id);
    if (refused === undefined) this.roles.delete(id);
    return refused;
  }

  /** The token itself is added by whoever hears its secret. */
  createToken(actor: Actor, roles: readonly string[], expires: number): Code {
    const refused = this.admission(actor, 'admin');
    if (refused !== undefined) return refused;
    if (roles.some((role) => role.toLowerCase() === 'bootstrap' || role === 'inject_api_token')) return 'PERMISSION_DENIED';
    if (roles.some((role) => !SYSTEM.has(role) && !this.roles.has(role))) return 'INVALID_ARGUMENT';
    const own = actor.token.expires;
    // As long as the other from now on is longer than what is left of it.
    return own !== 0 && (expires === 0 || expires >= own) ? 'PERMISSION_DENIED' : undefined;
  }

  /** `disabled`: null changes nothing. */
  updateToken(actor: Actor, token: ModelToken, disabled: boolean | null): Code {
    const refused = this.admission(actor, 'admin') ?? (token.deleted ? 'NOT_FOUND' : undefined);
    if (refused !== undefined || disabled === null) return refused;
    if (disabled && token === actor.token) return 'FAILED_PRECONDITION';
    token.disabled = disabled;
    return undefined;
  }

  deleteToken(actor: Actor, token: ModelToken): Code {
    const refused = this.admission(actor, 'admin') ?? (token === actor.token ? 'FAILED_PRECONDITION' : undefined);
    if (refused === undefined) token.deleted = true;
    return refused;
  }

  /** Ends the session of the request, if it has one. */
  logOut(actor: Actor): Code {
    const refused = this.admission(actor, 'token');
    if (refused === undefined && actor.session !== undefined) actor.session.ended = true;
    return refused;
  }

  #changeable(id: string): Code {
    if (SYSTEM.has(id)) return 'FORBIDDEN';
    return this.roles.has(id) ? undefined : 'NOT_FOUND';
  }

  #ownRoles(): ModelRole[] {
    return [...this.roles].map(([id, permissions]) => ({ id, permissions }));
  }
}
