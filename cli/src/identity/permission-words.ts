/**
 * A permission as it is typed: `RESOURCE[:TARGET][,RESOURCE…]=ACTION[,ACTION…]`, such as `namespaces:^devops.*,pipelines,runs=read,write`.
 * A target is a regular expression and may hold `=`, `:` and `,`: the last `=` separates, a resource ends at its first colon, and a comma
 * separates only where a word and then `,`, `:` or the end follow. Where a target needs just such a comma, a backslash goes before it; it
 * stays in the target, where it means the comma itself.
 */
import { closestName } from '@gofer/config';
import { type Fault, GoferError } from '@gofer/contracts';
import { ACTIONS, type Action, RESOURCE_TARGETS, RESOURCES, type RolePermission } from '@gofer/contracts/api';

const SEPARATOR = /,(?=\s*[A-Za-z_]+\s*(?:[,:]|$))/gu;

/** `where` names what was typed, in the faults. Throws `INVALID_ARGUMENT` with every one. */
export function parsePermissions(typed: readonly string[], where: string): RolePermission[] {
  const faults: Fault[] = [];
  const permissions = typed.map((text) => parsePermission(text, `${where} ${text}`, faults));
  if (faults.length > 0) throw new GoferError('INVALID_ARGUMENT', `${where} cannot be read`, { details: faults });
  return permissions;
}

function parsePermission(text: string, path: string, faults: Fault[]): RolePermission {
  const equals = text.lastIndexOf('=');
  if (equals === -1) {
    faults.push({ path, message: 'must be RESOURCE[:TARGET][,RESOURCE…]=ACTION[,ACTION…], such as pipelines:^web-.*,runs=read,write' });
    return { resources: [], actions: [] };
  }
  return { resources: parseResources(text.slice(0, equals), path, faults), actions: parseActions(text.slice(equals + 1), path, faults) };
}

/** `namespaces:^devops.*,pipelines` */
export function parseResources(text: string, path: string, faults: Fault[]): string[] {
  return splitResources(text).flatMap((part) => {
    const colon = part.indexOf(':');
    const name = (colon === -1 ? part : part.slice(0, colon)).trim().toLowerCase();
    const target = colon === -1 ? '' : part.slice(colon + 1);
    const resource = RESOURCES.find((known) => known === name);
    if (resource === undefined) faults.push({ path, message: describeUnknown(name) });
    else if (target !== '' && !isTargeted(resource)) {
      const targeted = Object.keys(RESOURCE_TARGETS).join(', ');
      faults.push({ path, message: `${resource} has no targets, only ${targeted} have: write ${resource} alone` });
    } else return [target === '' ? resource : `${resource}:${target}`];
    return [];
  });
}

/** `read,write` */
export function parseActions(text: string, path: string, faults: Fault[]): Action[] {
  const named = text.split(',').map((word) => word.trim().toLowerCase());
  for (const name of named) {
    if (ACTIONS.some((known) => known === name)) continue;
    faults.push({
      path,
      message: `${name === '' ? 'an action is missing; each' : `"${name}" is no action; it`} is one of ${ACTIONS.join(', ')}`,
    });
  }
  return ACTIONS.filter((action) => named.includes(action));
}

/** As `parsePermissions` reads it. A target that needs it is given backslashes, and means what it meant: none that is a regular expression ends with a lone one. */
export function formatPermission({ resources, actions }: RolePermission): string {
  return `${resources.map((resource) => escapeCommas(resource)).join(',')}=${actions.join(',')}`;
}

function splitResources(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (const { index } of text.matchAll(SEPARATOR)) {
    if (isEscaped(text, index)) continue;
    parts.push(text.slice(start, index));
    start = index + 1;
  }
  return [...parts, text.slice(start)];
}

function escapeCommas(resource: string): string {
  return resource.replace(SEPARATOR, (comma, index: number) => (isEscaped(resource, index) ? comma : `\\${comma}`));
}

/** A backslash before it that is not itself behind one. */
function isEscaped(text: string, index: number): boolean {
  let start = index;
  while (text[start - 1] === '\\') start -= 1;
  return (index - start) % 2 === 1;
}

function describeUnknown(name: string): string {
  if (name === '') return `a resource is missing; each is one of ${RESOURCES.join(', ')}`;
  const meant = closestName(name, RESOURCES);
  const hint = meant === undefined ? `it is one of ${RESOURCES.join(', ')}.` : `did you mean ${meant}?`;
  return `"${name}" is no resource; ${hint} A comma that belongs to a target is written \\,`;
}

/** A resource as a role has it, taken apart; the target is empty where there is none. */
export function splitTarget(text: string): { readonly resource: string; readonly target: string } {
  const colon = text.indexOf(':');
  return colon === -1 ? { resource: text, target: '' } : { resource: text.slice(0, colon), target: text.slice(colon + 1) };
}

/** Whether permissions may name some of these by their ids. */
export function isTargeted(resource: string): boolean {
  return Object.hasOwn(RESOURCE_TARGETS, resource);
}
