/**
 * Random roles, in the hands of random callers, on random routes and ids, over HTTP: what is let in is what a simple model lets in, never
 * more and never less. Among the callers are tasks, whose tokens reach their own pipeline.
 */
import { type OperationId, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessServer, type Sent } from './access-server.ts';
import { createToken, deployWithToken, logIn, tokenOfRun } from './callers.ts';
import { MODEL_SYSTEM_ROLES, type ModelPrincipal, type ModelRole, modelAllows } from './reference-model.ts';
import { anyId, GOOD_IDS, permissions, TRICKY_IDS, toWire } from './role-arbitraries.ts';

const RUNS = 25;
const REQUESTS = 30;
/** Where tasks run. Nothing that is asked below may take their pipelines away. */
const TASKS = [
  { namespaceId: 'abc', pipelineId: 'abcd' },
  { namespaceId: 'abcd', pipelineId: 'abc' },
  { namespaceId: 'default', pipelineId: 'ABC' },
] as const;
const ROUTE_IDS = (Object.keys(ROUTES) as OperationId[]).filter((id) => id !== 'delete_namespace' && id !== 'delete_pipeline');

interface Asked {
  readonly id: OperationId;
  readonly path: Readonly<Record<string, string>>;
  /** Which of those who call. */
  readonly caller: number;
  readonly asHead: boolean;
}

const OTHER_NAMES = [
  'version',
  'deployment_id',
  'run_id',
  'task_id',
  'event_id',
  'key',
  'id',
  'role_id',
  'extension_id',
  'subscription_id',
  'delivery_id',
] as const;
const other = fc.constantFrom('1', '0', '99', '-1', 'x', '01', '1.0', '9007199254740993', ...GOOD_IDS, ...TRICKY_IDS);
const asked: fc.Arbitrary<Asked> = fc.record({
  id: fc.constantFrom(...ROUTE_IDS),
  path: fc
    .tuple(anyId, anyId, fc.array(other, { minLength: OTHER_NAMES.length, maxLength: OTHER_NAMES.length }))
    .map(([namespace, pipeline, rest]) =>
      Object.fromEntries(
        ['namespace_id', 'pipeline_id', ...OTHER_NAMES].map((name, index) => [name, [namespace, pipeline, ...rest][index] ?? '']),
      ),
    ),
  caller: fc.nat({ max: 99 }),
  asHead: fc.boolean(),
});
/** The roles that one of them holds, by number; beyond those that are made, one of the system. */
const held = fc.uniqueArray(fc.nat({ max: 6 }), { maxLength: 3 });

interface Caller {
  readonly sent: Sent;
  readonly model: ModelPrincipal;
}

describe('the server', () => {
  let server: AccessServer;
  const tasks: Caller[] = [];
  beforeAll(async () => {
    server = await AccessServer.start();
    for (const id of ['abc', 'abcd']) await server.ask('POST', '/api/namespaces', { id, name: id, description: '' });
    for (const scope of TASKS) {
      await deployWithToken(server, scope.namespaceId, scope.pipelineId);
      const token = await tokenOfRun(server, scope.namespaceId, scope.pipelineId);
      tasks.push({ sent: { token }, model: { roles: ['inject_api_token'], scope } });
    }
  });
  afterAll(() => server.close());

  let made = 0;
  async function makeRoles(given: readonly ModelRole['permissions'][], asObjects: boolean): Promise<ModelRole[]> {
    const roles = given.map((each, index) => ({ id: `role-${made}-${index}`, permissions: each }));
    made += 1;
    for (const { id, permissions: each } of roles)
      await server.ask('POST', '/api/roles', { id, description: '', permissions: toWire(each, asObjects) });
    return roles;
  }

  async function makeCaller(roles: readonly ModelRole[], numbers: readonly number[], asSession: boolean): Promise<Caller> {
    const ids = numbers.map((number) => roles[number]?.id ?? ['user', 'anonymous', 'admin'][number % 3] ?? 'user');
    const { secret } = await createToken(server, ids);
    return { sent: asSession ? { cookie: await logIn(server, secret) } : { token: secret }, model: { roles: ids } };
  }

  /** True: let in, whatever was made of it then. */
  async function isLetIn({ id, path, asHead }: Asked, sent: Sent): Promise<boolean> {
    const route: RouteDefinition = ROUTES[id];
    const target = route.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''));
    const method = asHead && route.method === 'GET' ? 'HEAD' : route.method;
    // Whoever is let in changes nothing by it: a body that is no JSON is found out after that.
    const body = route.body === undefined ? {} : { body: Buffer.from('{') };
    const { status, code, text } = await server.call(method, target, { ...sent, ...body });
    if (text.includes('There is nothing at')) throw new Error(`${method} ${target} leads nowhere`);
    if (status === 401 && method !== 'HEAD') expect(code).toBe('PERMISSION_DENIED');
    return status !== 401;
  }

  it('lets in whom the model lets in, and nobody else', async () => {
    let [letIn, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(permissions, { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(held, fc.boolean()), { minLength: 1, maxLength: 3 }),
        fc.array(asked, { minLength: REQUESTS, maxLength: REQUESTS }),
        fc.boolean(),
        async (given, holders, requests, asObjects) => {
          const roles = await makeRoles(given, asObjects);
          const callers = [...tasks];
          for (const [numbers, asSession] of holders) callers.push(await makeCaller(roles, numbers, asSession));
          for (const request of requests) {
            const caller = callers[request.caller % callers.length];
            // Whoever leaves has no session for the next request.
            if (caller === undefined || (request.id === 'delete_session' && caller.sent.cookie !== undefined)) continue;
            const { permission, path } = ROUTES[request.id];
            const ids = {
              ...(path.includes('{namespace_id}') ? { namespace_id: request.path['namespace_id'] ?? '' } : {}),
              ...(path.includes('{pipeline_id}') ? { pipeline_id: request.path['pipeline_id'] ?? '' } : {}),
              ...(path.includes('{extension_id}') ? { extension_id: request.path['extension_id'] ?? '' } : {}),
            };
            const expected = modelAllows([...MODEL_SYSTEM_ROLES, ...roles], caller.model, permission, ids);
            if (expected) letIn += 1;
            else refused += 1;
            const found = await isLetIn(request, caller.sent);
            if (found !== expected)
              throw new Error(`${JSON.stringify({ request, model: caller.model })}: let in: ${found}, and the model says ${expected}`);
          }
        },
      ),
      { numRuns: RUNS },
    );
    expect(Math.min(letIn, refused)).toBeGreaterThan(50);
  });
});
