import { ACTIONS, RESOURCE_TARGETS, RESOURCES } from '@gofer/contracts/api';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPermissions, writePermissions } from './permission.ts';

describe('a permission', () => {
  it('is read in both forms, and answered with its target', () => {
    const { permissions, faults } = readPermissions(
      [
        {
          resources: [{ resource: 'namespaces', target: '^devops.*' }, 'pipelines:(?:a|b):c', 'Runs', { resource: 'configs' }],
          actions: ['write', 'read'],
        },
      ],
      '$.permissions',
    );
    expect(faults).toEqual([]);
    expect(writePermissions({ permissions })).toEqual([
      { resources: ['namespaces:^devops.*', 'pipelines:(?:a|b):c', 'runs', 'configs'], actions: ['read', 'write'] },
    ]);
  });

  it.each([
    [{ resources: ['pods'], actions: ['read'] }, '$.permissions[0].resources[0]', "'pods', which is no resource"],
    [{ resources: ['runs:.*'], actions: ['read'] }, '$.permissions[0].resources[0]', 'only namespaces, pipelines, extensions have targets'],
    [{ resources: ['namespaces:['], actions: ['read'] }, '$.permissions[0].resources[0]', 'is not a regular expression'],
    [{ resources: ['__proto__'], actions: ['read'] }, '$.permissions[0].resources[0]', 'is no resource'],
    [{ resources: [], actions: ['read'] }, '$.permissions[0].resources', 'one resource or more'],
    [{ resources: ['runs'], actions: [] }, '$.permissions[0].actions', 'read, write, delete'],
    [{ resources: Array.from({ length: 201 }, () => 'namespaces:a'), actions: ['read'] }, '$.permissions', 'has 201 targets'],
    [{ resources: ['namespaces:(.{0,30}){0,30}'], actions: ['read'] }, '$.permissions[0].resources[0]', 'is too large'],
  ] as const)('%j has a fault at %s', (permission, path, message) => {
    const { faults } = readPermissions([{ resources: [...permission.resources], actions: [...permission.actions] }], '$.permissions');
    expect(faults[0]?.path).toBe(path);
    expect(faults[0]?.message).toContain(message);
  });

  it('comes back from its written form as it was', () => {
    const grant = fc
      .constantFrom(...RESOURCES)
      .chain((resource) =>
        Object.hasOwn(RESOURCE_TARGETS, resource)
          ? fc.option(fc.constantFrom('.*', '^a:b$', 'x|y', '(?:a)'), { nil: undefined }).map((target) => ({ resource, target }))
          : fc.constant({ resource, target: undefined }),
      );
    const given = fc.array(
      fc.record({ resources: fc.array(grant, { minLength: 1, maxLength: 5 }), actions: fc.subarray([...ACTIONS], { minLength: 1 }) }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(given, (permissions) => {
        const objects = permissions.map(({ resources, actions }) => ({
          resources: resources.map(({ resource, target }) => (target === undefined ? { resource } : { resource, target })),
          actions,
        }));
        const first = readPermissions(objects, '$');
        const again = readPermissions(writePermissions(first), '$');
        expect([first.faults, again.faults]).toEqual([[], []]);
        expect(again.permissions).toEqual(first.permissions);
      }),
    );
  });
});
