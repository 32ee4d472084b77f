/** The one decision, against a simple model of it: never more than that, and never less. */
import {
  ACTIONS,
  type GivenPermission,
  type Permission,
  RESOURCES,
  type ResourcePermission,
  ROUTES,
  type RouteDefinition,
} from '@gofer/contracts/api';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Principal, RoleBook, readPermissions, SYSTEM_ROLES } from '../../kernel/src/domain/index.ts';
import { MODEL_SYSTEM_ROLES, type ModelIds, type ModelPrincipal, type ModelRole, modelAllows } from './reference-model.ts';
import { anyId, ids, rolesNamed, toWire } from './role-arbitraries.ts';

const OWN_ROLES = ['one', 'two', 'three', 'four'] as const;
/** What another back end may say of someone: these are no roles, whatever they look like. */
const NO_ROLES = [
  'one two',
  'two one',
  ' one',
  'one\n',
  '"one"',
  'One',
  'ADMIN',
  'admin ',
  '',
  '__proto__',
  'constructor',
  'gone',
] as const;

const principal: fc.Arbitrary<ModelPrincipal> = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.constantFrom(...OWN_ROLES) },
        { weight: 2, arbitrary: fc.constantFrom(...NO_ROLES) },
        { weight: 1, arbitrary: fc.constantFrom(...SYSTEM_ROLES.map(({ id }) => id)) },
      ),
      { maxLength: 3 },
    ),
    fc.option(fc.record({ namespaceId: anyId, pipelineId: anyId }), { nil: undefined, freq: 6 }),
  )
  .map(([roles, scope]) => (scope === undefined ? { roles } : { roles, scope }));

/** Of a route as it is, with what its path names; or what a route might one day ask for. */
const ofRoutes = (Object.values(ROUTES) as RouteDefinition[]).map(({ permission, path }) => ({
  permission,
  names: ['namespace_id', 'pipeline_id'].filter((name) => path.includes(`{${name}}`)),
}));
const fromRoute = fc.tuple(fc.constantFrom(...ofRoutes), anyId, anyId).map(([{ permission, names }, namespace_id, pipeline_id]) => ({
  permission,
  ids: { ...(names.includes('namespace_id') ? { namespace_id } : {}), ...(names.includes('pipeline_id') ? { pipeline_id } : {}) },
}));
const invented: fc.Arbitrary<ResourcePermission> = fc.record({
  action: fc.constantFrom(...ACTIONS),
  resources: fc.subarray([...RESOURCES], { minLength: 1, maxLength: 4 }),
});
/** One object for each of few, as routes are: decisions are remembered by it. */
const INVENTED = fc.sample(invented, { numRuns: 20, seed: 7 });
const question: fc.Arbitrary<{ permission: Permission; ids: ModelIds }> = fc.oneof(
  { weight: 3, arbitrary: fromRoute },
  { weight: 2, arbitrary: fc.record({ permission: fc.constantFrom<Permission>(...INVENTED, 'admin', 'token', 'none'), ids }) },
);

function bookOf(roles: readonly ModelRole[], asObjects: boolean): RoleBook {
  const read = roles.map(({ id, permissions }) => {
    const { permissions: kept, faults } = readPermissions(toWire(permissions, asObjects) as GivenPermission[], '$.permissions');
    expect(faults).toEqual([]);
    return { id, description: '', system: false, permissions: kept };
  });
  return new RoleBook([...SYSTEM_ROLES, ...read]);
}

const ABC = { text: '^abc$', means: /^abc$/ };
const toPrincipal = (model: ModelPrincipal): Principal => ({ id: 'a', user: 'them', ...model });

describe('what the roles of a server decide', () => {
  it('is what the model decides, for everybody and every route', () => {
    let [granted, refused] = [0, 0];
    fc.assert(
      fc.property(
        rolesNamed(OWN_ROLES),
        fc.boolean(),
        fc.array(principal, { minLength: 1, maxLength: 4 }),
        fc.array(question, { minLength: 12, maxLength: 24 }),
        (roles, asObjects, principals, questions) => {
          const book = bookOf(roles, asObjects);
          const all = [...MODEL_SYSTEM_ROLES, ...roles];
          for (const asked of questions) {
            for (const who of principals) {
              const expected = modelAllows(all, who, asked.permission, asked.ids);
              if (expected) granted += 1;
              else refused += 1;
              const decided = book.authorize(toPrincipal(who), asked.permission, asked.ids);
              if (decided !== expected) throw new Error(`${JSON.stringify({ who, asked })}: ${decided}, and the model says ${expected}`);
            }
          }
        },
      ),
      { numRuns: 800 },
    );
    // The property would mean little if it met one answer only.
    expect(Math.min(granted, refused)).toBeGreaterThan(1000);
  });

  it('is not taken from a decision on others whose names read alike', () => {
    const roles: ModelRole[] = [
      { id: 'one', permissions: [{ actions: ['read'], resources: [{ resource: 'namespaces', target: ABC }, { resource: 'pipelines' }] }] },
    ];
    const permission: Permission = { action: 'read', resources: ['namespaces', 'pipelines'] };
    const may = (book: RoleBook, names: readonly string[], asked: ModelIds) =>
      book.authorize(toPrincipal({ roles: names }), permission, asked);
    const alike: readonly [readonly string[], readonly string[]][] = [
      [['one', 'two'], ['one two']],
      [['one', 'two'], ['one\ntwo']],
      [['one', 'two'], ['one,two']],
      [['one', 'two'], ['one","two']],
      [['one', ''], ['one ']],
    ];
    for (const [held, other] of alike) {
      const book = bookOf(roles, false);
      expect([
        may(book, held, { namespace_id: 'abc', pipeline_id: 'x' }),
        may(book, other, { namespace_id: 'abc', pipeline_id: 'x' }),
      ]).toEqual([true, false]);
    }
    for (const separator of ['\n', ' ', ',', '","', '/', '\u0000']) {
      const book = bookOf(roles, false);
      expect(may(book, ['one'], { namespace_id: 'abc', pipeline_id: `x${separator}y` })).toBe(true);
      expect(may(book, ['one'], { namespace_id: `abc${separator}x`, pipeline_id: 'y' })).toBe(false);
    }
    const book = bookOf(roles, false);
    expect([may(book, ['one'], {}), may(book, ['one'], { namespace_id: '', pipeline_id: '' })]).toEqual([true, false]);
  });

  it('is never more for ids that are longer than any that exist', () => {
    const surplus = fc.check(
      fc.property(rolesNamed(['one']), fc.integer({ min: 129, max: 9000 }), anyId, (roles, length, filler) => {
        const long = filler.repeat(Math.ceil(length / filler.length));
        const asked = { namespace_id: long, pipeline_id: long };
        const book = bookOf(roles, false);
        return ofRoutes.every(
          ({ permission }) =>
            !book.authorize(toPrincipal({ roles: ['one'] }), permission, asked) ||
            modelAllows(roles, { roles: ['one'] }, permission, asked),
        );
      }),
      { numRuns: 60 },
    );
    expect(surplus.counterexample).toBeNull();
  });
});
