import type { Permission } from '@gofer/contracts/api';
import { describe, expect, it } from 'vitest';
import type { RoleRecord } from './role.ts';
import { describePermission, type Principal, RoleBook, type TargetIds } from './role-book.ts';
import { SYSTEM_ROLES } from './system-roles.ts';

const START: Permission = { action: 'write', resources: ['namespaces', 'pipelines', 'runs'] };
const READ: Permission = { action: 'read', resources: ['namespaces', 'pipelines', 'runs'] };
const LIST: Permission = { action: 'read', resources: ['namespaces'] };
const IDS = { namespace_id: 'default', pipeline_id: 'demo' };

const role = (id: string, resources: readonly string[], actions: readonly ('read' | 'write' | 'delete')[]): RoleRecord => ({
  id,
  description: '',
  system: false,
  permissions: [
    {
      actions,
      resources: resources.map((text) => {
        const [resource = '', target] = text.split(':');
        return { resource: resource as 'runs', ...(target === undefined ? {} : { target }) };
      }),
    },
  ],
});
const holder = (...roles: string[]): Principal => ({ id: 'a', user: 'alice', roles });
const book = (...roles: RoleRecord[]) => new RoleBook([...SYSTEM_ROLES, ...roles]);
const may = (roles: RoleBook, principal: Principal, permission: Permission, ids: TargetIds = IDS) =>
  roles.authorize(principal, permission, ids);

describe('who may do what', () => {
  it('is for one role alone to say: two that have half of it each do not', () => {
    const roles = book(role('places', ['namespaces', 'pipelines'], ['write']), role('runs', ['runs'], ['write']));
    expect(may(roles, holder('places', 'runs'), START)).toBe(false);
    expect(may(book(role('both', ['namespaces', 'pipelines', 'runs'], ['write'])), holder('both'), START)).toBe(true);
  });

  it('depends on the action, and on the whole id', () => {
    const roles = book(role('dev', ['namespaces:dev', 'pipelines:.*', 'runs'], ['read']));
    expect(may(roles, holder('dev'), READ, { ...IDS, namespace_id: 'dev' })).toBe(true);
    expect(may(roles, holder('dev'), START, { ...IDS, namespace_id: 'dev' })).toBe(false);
    for (const namespace_id of ['dev-prod', 'my-dev', 'DEV', 'dev\n', '']) {
      expect(may(roles, holder('dev'), READ, { ...IDS, namespace_id })).toBe(false);
    }
  });

  it('lets whoever has a resource at all see a list that names none, to see of it what is theirs', () => {
    const roles = book(role('dev', ['namespaces:dev'], ['read']));
    expect(may(roles, holder('dev'), LIST, {})).toBe(true);
    expect(may(roles, holder('nobody'), LIST, {})).toBe(false);
  });

  it('is everything for admin and bootstrap, whatever else they hold', () => {
    for (const id of ['admin', 'bootstrap']) {
      expect(may(book(), holder('user', id), 'admin')).toBe(true);
      expect(may(book(), holder(id), START, { namespace_id: 'x', pipeline_id: 'y' })).toBe(true);
    }
    expect(may(book(role('all', ['all'], ['read', 'write', 'delete'])), holder('all'), 'admin')).toBe(false);
    expect(may(book(), holder('Admin'), 'admin')).toBe(false);
  });

  it('is nothing beyond its own pipeline for a token of a task, even if it held the role of an administrator', () => {
    const scope = { namespaceId: 'default', pipelineId: 'demo' };
    const task: Principal = { ...holder('inject_api_token'), scope };
    expect([may(book(), task, START), may(book(), task, READ), may(book(), task, LIST, {})]).toEqual([true, true, true]);
    for (const ids of [{ ...IDS, pipeline_id: 'demo-2' }, { ...IDS, namespace_id: 'other' }, { extension_id: 'cron' }]) {
      expect(may(book(), task, READ, ids)).toBe(false);
    }
    const admin: Principal = { ...holder('admin'), scope };
    expect([may(book(), admin, 'admin'), may(book(), admin, READ, { ...IDS, pipeline_id: 'x' })]).toEqual([false, false]);
    expect(may(book(), task, { action: 'read', resources: ['namespaces', 'pipelines', 'secrets'] })).toBe(false);
    expect(may(book(), task, { action: 'delete', resources: ['namespaces', 'pipelines', 'runs'] })).toBe(false);
  });

  it('counts a role that does not exist for nothing', () => {
    expect(may(book(), holder('gone', '__proto__'), READ)).toBe(false);
  });

  it('is decided again for each principal, route and id, however many were decided before', () => {
    const roles = book(role('dev', ['namespaces:dev', 'pipelines:[ab]+', 'runs'], ['read']));
    for (let turn = 0; turn < 25_000; turn += 1) {
      const pipeline_id = turn % 2 === 0 ? 'ab' : `x${turn}`;
      if (may(roles, holder('dev'), READ, { namespace_id: 'dev', pipeline_id }) !== (turn % 2 === 0)) throw new Error(`turn ${turn}`);
    }
    expect(may(roles, holder('user'), READ, { namespace_id: 'dev', pipeline_id: 'ab' })).toBe(false);
  });

  it('is told in words', () => {
    expect(describePermission(START, IDS)).toBe('the permission write on namespaces:default, pipelines:demo, runs (in one role)');
    expect(describePermission('admin', {})).toBe('the role admin');
  });
});
