import { ACTIONS, type Action, type Role, type RolePermission } from '@gofer/contracts/api';
import { isTargeted, splitTarget } from '../identity/permission-words.ts';
import type { Colours, Presentation } from './presentation.ts';
import { toSafeLine, toSafeText } from './sanitise.ts';
import { type Cell, renderTable } from './table.ts';

export function renderRoles(roles: readonly Role[], { colours }: Presentation): string {
  const rows = roles.map(({ id, description, system_role }) => [id, description, system_role ? 'yes' : 'no']);
  return renderTable(['ID', 'DESCRIPTION', 'SYSTEM ROLE'], rows, colours);
}

export function renderRole({ id, description, permissions, system_role }: Role, { colours }: Presentation): string {
  const system = system_role ? ` ${colours.dim('(system role: it cannot be changed)')}` : '';
  const about = description === '' ? '' : `${toSafeText(description)}\n`;
  return `${colours.bold(toSafeLine(`[${id}]`))}${system}\n${about}\n${renderPermissions(permissions, colours)}`;
}

/**
 * A row for each resource and target with what is allowed. Within a role it makes no difference which permission allows it, so that a
 * resource that several name is one row.
 */
export function renderPermissions(permissions: readonly RolePermission[], colours: Colours): string {
  const allowed = new Map<string, Set<Action>>();
  for (const { resources, actions } of permissions) {
    for (const resource of resources) allowed.set(resource, new Set([...(allowed.get(resource) ?? []), ...actions]));
  }
  if (allowed.size === 0) return `It allows nothing.\n`;
  const rows = [...allowed].map(([text, actions]) => {
    const { resource, target } = splitTarget(text);
    const marks: Cell[] = ACTIONS.map((action) => (actions.has(action) ? { painted: colours.green('✓') } : { painted: colours.dim('-') }));
    const named = target === '' ? { painted: colours.dim(isTargeted(resource) ? 'all' : '-') } : target;
    return [resource as Cell, named].concat(marks);
  });
  return renderTable(['RESOURCE', 'TARGET', ...ACTIONS.map((action) => action.toUpperCase())], rows, colours);
}
