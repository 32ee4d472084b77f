/**
 * Permissions as roles hold them: actions on resources, some of which have a target, a pattern for whole ids. On the wire a resource is
 * `namespaces:^devops.*` or `{ "resource": "namespaces", "target": "^devops.*" }`; it is answered, and kept, in the first form.
 */
import type { Fault } from '@gofer/contracts';
import {
  ACTIONS,
  type Action,
  type GivenPermission,
  RESOURCE_TARGETS,
  RESOURCES,
  type Resource,
  type RolePermission,
} from '@gofer/contracts/api';
import { PatternChecks } from './target-pattern.ts';

export type TargetedResource = keyof typeof RESOURCE_TARGETS;

export interface ResourceGrant {
  readonly resource: Resource;
  /** Absent: everything of the kind. */
  readonly target?: string;
}
export interface RolePermissions {
  readonly permissions: readonly { readonly resources: readonly ResourceGrant[]; readonly actions: readonly Action[] }[];
}

/** Patterns in one role. */
const MOST_TARGETS = 200;

export function isTargeted(resource: Resource): resource is TargetedResource {
  return Object.hasOwn(RESOURCE_TARGETS, resource);
}

/** Reads what a request gives; `faults` have paths below `at`, such as `$.permissions`. */
export function readPermissions(given: readonly GivenPermission[], at: string): RolePermissions & { readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const checks = new PatternChecks();
  // Counted before any of them is looked at: there may be many more.
  const targets = given.flatMap(({ resources }) => resources.filter(hasTarget)).length;
  if (targets > MOST_TARGETS) faults.push({ path: at, message: `has ${targets} targets; a role may have ${MOST_TARGETS}` });
  const permissions = given.map((permission, index) => {
    const place = `${at}[${index}]`;
    if (permission.actions.length === 0) faults.push({ path: `${place}.actions`, message: `must name one of ${ACTIONS.join(', ')}` });
    if (permission.resources.length === 0) faults.push({ path: `${place}.resources`, message: 'must name one resource or more' });
    const resources = permission.resources.flatMap((resource, at_) => {
      const read = readGrant(resource, targets > MOST_TARGETS ? undefined : checks);
      if (!('message' in read)) return [read];
      faults.push({ path: `${place}.resources[${at_}]`, message: read.message });
      return [];
    });
    return { resources, actions: ACTIONS.filter((action) => permission.actions.includes(action)) };
  });
  return { permissions, faults };
}

type GivenResource = GivenPermission['resources'][number];

function hasTarget(given: GivenResource): boolean {
  if (typeof given !== 'string') return (given.target ?? '') !== '';
  const colon = given.indexOf(':');
  return colon !== -1 && colon < given.length - 1;
}

/** Only the first colon separates. Without `checks` targets are not looked at. */
function readGrant(given: GivenResource, checks: PatternChecks | undefined): ResourceGrant | { readonly message: string } {
  const colon = typeof given === 'string' ? given.indexOf(':') : -1;
  const name = typeof given !== 'string' ? given.resource : colon === -1 ? given : given.slice(0, colon);
  const target = typeof given !== 'string' ? (given.target ?? '') : colon === -1 ? '' : given.slice(colon + 1);
  const resource = RESOURCES.find((known) => known === name.toLowerCase());
  if (resource === undefined)
    return { message: `names '${name.slice(0, 64)}', which is no resource; it must be one of ${RESOURCES.join(', ')}` };
  if (target === '') return { resource };
  if (!isTargeted(resource))
    return { message: `gives a target to ${resource}; only ${Object.keys(RESOURCE_TARGETS).join(', ')} have targets` };
  const fault = checks?.faultOf(target);
  return fault === undefined ? { resource, target } : { message: `has a target that ${fault}` };
}

export function writePermissions({ permissions }: RolePermissions): RolePermission[] {
  return permissions.map(({ resources, actions }) => ({ resources: resources.map(formatGrant), actions: [...actions] }));
}

function formatGrant({ resource, target }: ResourceGrant): string {
  return target === undefined ? resource : `${resource}:${target}`;
}
