/**
 * The one place where it is decided who may do what. Roles are compiled once; a decision costs a look-up where it was made before, since
 * what it depends on is in its key.
 */
import { type Action, type Permission, RESOURCE_TARGETS, type Resource, type ResourcePermission } from '@gofer/contracts/api';
import { type ExtensionPrincipal, extensionRoleId, isWithinReach } from './extension-role.ts';
import { isTargeted, type TargetedResource } from './permission.ts';
import type { RoleRecord } from './role.ts';
import { ADMIN_ROLE, BOOTSTRAP_ROLE } from './system-roles.ts';
import { compilePattern, type TargetPattern } from './target-pattern.ts';

/** Who is calling, as far as permissions go. */
export interface Principal {
  /** Of the credential. */
  readonly id: string;
  readonly user: string;
  readonly roles: readonly string[];
  /** Present for a token that reaches one pipeline only, whatever its roles say. */
  readonly scope?: { readonly namespaceId: string; readonly pipelineId: string };
  /** Present for the token of an extension, which reaches by its own role only itself and what is subscribed to it. */
  readonly extension?: ExtensionPrincipal;
}

/** What a path names, by the names of its parameters. */
export type TargetIds = Readonly<Partial<Record<(typeof RESOURCE_TARGETS)[TargetedResource], string>>>;

export function isAdmin(principal: Principal): boolean {
  return principal.scope === undefined && principal.roles.some((role) => role === ADMIN_ROLE || role === BOOTSTRAP_ROLE);
}

/** What one role grants for one action: true is everything of a resource. */
type Grants = ReadonlyMap<Resource, true | readonly TargetPattern[]>;
type CompiledRole = Readonly<Record<Action, Grants>>;

/** Decisions about those who hold the same roles, by what is asked for and then by what it is asked of. */
type OfRoles = Map<ResourcePermission, Map<string, boolean>>;

/** Decisions that are remembered; more than this and all are forgotten. */
const MOST_DECISIONS = 20_000;

/** No path that leads somewhere has ids as long together; others are not worth the memory. */
const LONGEST_KEY = 256;

export class RoleBook {
  readonly #roles: ReadonlyMap<string, CompiledRole>;
  #decisions = new Map<string, OfRoles>();
  /** The same by the lists themselves: a token that is looked up again has the same one. */
  #byList = new WeakMap<readonly string[], OfRoles>();
  #remembered = 0;

  constructor(roles: readonly RoleRecord[]) {
    this.#roles = new Map(roles.map((role) => [role.id, compileRole(role)]));
  }

  /**
   * True where the principal may. One single role must grant the action on all resources; a target counts where the path names one, and a
   * path that names none is for whoever has the resource at all.
   */
  authorize(principal: Principal, permission: Permission, ids: TargetIds): boolean {
    if (permission === 'none' || permission === 'token') return true;
    if (!isInScope(principal, ids)) return false;
    if (isAdmin(principal)) return true;
    if (permission === 'admin') return false;
    const { extension, roles } = principal;
    if (extension === undefined) return this.#recall(roles, permission, ids);
    const own = extensionRoleId(extension.id);
    if (isWithinReach(extension, permission, ids) && roles.includes(own) && this.#recall([own], permission, ids)) return true;
    const others = roles.filter((role) => role !== own);
    return others.length > 0 && this.#recall(others, permission, ids);
  }

  #recall(roles: readonly string[], permission: ResourcePermission, ids: TargetIds): boolean {
    const ofRoles = this.#ofRoles(roles);
    const idsKey = keyOf(ids);
    const known = ofRoles.get(permission)?.get(idsKey);
    if (known !== undefined) return known;
    const decision = roles.some((id) => {
      const role = this.#roles.get(id);
      return role !== undefined && grantsAll(role[permission.action], permission.resources, ids);
    });
    if (idsKey.length <= LONGEST_KEY) this.#remember(roles, permission, idsKey, decision);
    return decision;
  }

  #ofRoles(roles: readonly string[]): OfRoles {
    const listed = this.#byList.get(roles);
    if (listed !== undefined) return listed;
    // Another back end's names of roles may hold any character.
    const key = JSON.stringify(roles);
    const ofRoles = this.#decisions.get(key) ?? new Map<ResourcePermission, Map<string, boolean>>();
    this.#decisions.set(key, ofRoles);
    this.#byList.set(roles, ofRoles);
    return ofRoles;
  }

  #remember(roles: readonly string[], permission: ResourcePermission, idsKey: string, decision: boolean): void {
    if (this.#remembered >= MOST_DECISIONS) {
      this.#decisions = new Map();
      this.#byList = new WeakMap();
      this.#remembered = 0;
    }
    this.#remembered += 1;
    const ofRoles = this.#ofRoles(roles);
    const ofPermission = ofRoles.get(permission) ?? new Map<string, boolean>();
    ofRoles.set(permission, ofPermission.set(idsKey, decision));
  }
}

/** The lengths come first, so that no ids read like others, whatever they hold. */
function keyOf({ namespace_id, pipeline_id, extension_id }: TargetIds): string {
  const lengths = `${namespace_id?.length},${pipeline_id?.length},${extension_id?.length}`;
  return `${lengths},${namespace_id ?? ''}${pipeline_id ?? ''}${extension_id ?? ''}`;
}

/** What a path names must be the scope's own; lists that name nothing show of it only what is. */
function isInScope({ scope }: Principal, ids: TargetIds): boolean {
  if (scope === undefined) return true;
  return (
    (ids.namespace_id ?? scope.namespaceId) === scope.namespaceId &&
    (ids.pipeline_id ?? scope.pipelineId) === scope.pipelineId &&
    // A subscription is the pipeline's; an extension is nobody's.
    (ids.extension_id === undefined || ids.pipeline_id !== undefined)
  );
}

function grantsAll(grants: Grants, resources: readonly Resource[], ids: TargetIds): boolean {
  if (grants.has('all')) return true;
  // What has no target is looked up first: most roles that do not grant a route are told from those that do by it.
  if (!resources.every((resource) => grants.has(resource))) return false;
  return resources.every((resource) => {
    const granted = grants.get(resource);
    const id = isTargeted(resource) ? ids[RESOURCE_TARGETS[resource]] : undefined;
    return granted === true || id === undefined || granted?.some((pattern) => pattern.matches(id)) === true;
  });
}

function compileRole(role: RoleRecord): CompiledRole {
  return { read: compileGrants(role, 'read'), write: compileGrants(role, 'write'), delete: compileGrants(role, 'delete') };
}

function compileGrants(role: RoleRecord, action: Action): Grants {
  const grants = new Map<Resource, true | TargetPattern[]>();
  for (const { resources, actions } of role.permissions) {
    if (!actions.includes(action)) continue;
    for (const { resource, target } of resources) {
      const before = grants.get(resource);
      const pattern = target === undefined ? undefined : compilePattern(target);
      if (pattern === undefined || pattern.matchesAll || before === true) grants.set(resource, true);
      else grants.set(resource, [...(before ?? []), pattern]);
    }
  }
  return grants;
}

/** What a caller lacks, for a person: `the permission write on namespaces:default, pipelines:demo, runs (in one role)`. */
export function describePermission(permission: Permission, ids: TargetIds): string {
  if (typeof permission === 'string') return permission === 'admin' ? 'the role admin' : 'a token';
  const resources = permission.resources.map((resource) => {
    const id = isTargeted(resource) ? ids[RESOURCE_TARGETS[resource]] : undefined;
    return id === undefined ? resource : `${resource}:${id.slice(0, 64)}`;
  });
  return `the permission ${permission.action} on ${resources.join(', ')}${resources.length > 1 ? ' (in one role)' : ''}`;
}
