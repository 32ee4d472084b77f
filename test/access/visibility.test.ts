/** Lists and streams show a caller exactly what it could get one by one: for random roles, for tasks, and for whoever has no token. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RefusedUpgrade } from '../clients/open-socket.ts';
import { AccessServer, type Sent } from './access-server.ts';
import { createToken, deployWithToken, tokenOfRun } from './callers.ts';
import {
  MODEL_SYSTEM_ROLES,
  type ModelIds,
  type ModelPermission,
  type ModelPrincipal,
  type ModelRole,
  modelAllows,
} from './reference-model.ts';
import { GOOD_IDS, permissions, target, toWire } from './role-arbitraries.ts';

/** So that something of each is seen and something is not. */
const PLACES = GOOD_IDS.filter((id) => id !== 'kelvin-s' && id !== 'default2');
const TASK = { namespaceId: 'abc', pipelineId: 'abcd' } as const;

/** Roles that show something of what there is: a part of the namespaces, of the pipelines or of both, mostly with events. */
const someOf = fc.option(target, { nil: undefined, freq: 4 });
const seeing: fc.Arbitrary<ModelPermission[]> = fc.tuple(someOf, someOf, fc.boolean()).map(([namespaces, pipelines, withEvents]) => [
  {
    actions: ['read'],
    resources: [
      namespaces === undefined ? { resource: 'namespaces' } : { resource: 'namespaces', target: namespaces },
      pipelines === undefined ? { resource: 'pipelines' } : { resource: 'pipelines', target: pipelines },
      { resource: withEvents ? 'events' : 'runs' },
    ],
  },
]);

let server: AccessServer;
let task: string;
/** All that there were at the last look, newest first. */
let events: readonly SeenEvent[];

beforeAll(async () => {
  server = await AccessServer.start({ 'server.anonymous_read': 'true' });
  for (const id of PLACES) if (id !== 'default') await server.ask('POST', '/api/namespaces', { id, name: id, description: '' });
  for (const [row, namespace] of PLACES.entries())
    for (const [column, pipeline] of PLACES.entries()) if ((row + 2 * column) % 3 === 2) await deployWithToken(server, namespace, pipeline);
  task = await tokenOfRun(server, TASK.namespaceId, TASK.pipelineId);
  await server.ask('POST', '/api/extensions?wait=0', { id: 'watcher', image: 'example.com/any', settings: {} });
  events = await eventsSeenBy({ token: server.admin });
});
afterAll(() => server.close());

/** Ids of what a list shows; none where it is refused as a whole. */
async function listed(path: string, field: string, id: string, sent: Sent): Promise<string[]> {
  const { status, text } = await server.call('GET', path, sent);
  if (status === 401) return [];
  return (JSON.parse(text) as Record<string, Record<string, string>[]>)[field]?.map((item) => item[id] ?? '') ?? [];
}

interface SeenEvent {
  readonly id: string;
  readonly kind: Readonly<Record<string, ModelIds & { readonly role_id?: string; readonly image?: string; readonly id?: string }>>;
}

async function eventsSeenBy(sent: Sent): Promise<SeenEvent[]> {
  try {
    const { closed, frames } = await server.socket('/api/events?history=true&reverse=true', sent);
    expect((await closed).code).toBe(1000);
    return frames.map((frame) => JSON.parse(frame) as SeenEvent);
  } catch (error) {
    if (error instanceof RefusedUpgrade && error.status === 401) return [];
    throw error;
  }
}

/** Those of `ids` that can be got one by one, in the same order. */
async function obtainable(ids: readonly string[], pathOf: (id: string) => string, sent: Sent): Promise<string[]> {
  const answers = await Promise.all(ids.map(async (id) => (await server.call('GET', pathOf(id), sent)).status === 200));
  return ids.filter((_, index) => answers[index]);
}

/** An event is for those who may read events and, in the same role, what it is about. */
function isForThem(roles: readonly ModelRole[], principal: ModelPrincipal, { kind }: SeenEvent): boolean {
  return Object.values(kind).every((about) => {
    const { namespace_id, pipeline_id, role_id, image, id } = about;
    if (role_id !== undefined) {
      const permission = { action: 'read', resources: ['events', 'permissions'] } as const;
      return modelAllows([...MODEL_SYSTEM_ROLES, ...roles], principal, permission, {});
    }
    if (image !== undefined && id !== undefined) {
      const permission = { action: 'read', resources: ['events', 'extensions'] } as const;
      return modelAllows([...MODEL_SYSTEM_ROLES, ...roles], principal, permission, { extension_id: id });
    }
    const resources = [
      'events' as const,
      ...(namespace_id === undefined ? [] : (['namespaces'] as const)),
      ...(pipeline_id === undefined ? [] : (['pipelines'] as const)),
    ];
    return modelAllows([...MODEL_SYSTEM_ROLES, ...roles], principal, { action: 'read', resources }, about);
  });
}

/** Resolves with how much there was to see. */
async function expectNoMoreNorLess(sent: Sent, principal: ModelPrincipal, roles: readonly ModelRole[] = []): Promise<number> {
  const every = { token: server.admin };
  events = await eventsSeenBy(every);
  const namespaces = await listed('/api/namespaces', 'namespaces', 'id', every);
  const seen = await obtainable(namespaces, (id) => `/api/namespaces/${id}`, sent);
  expect(await listed('/api/namespaces', 'namespaces', 'id', sent)).toEqual(seen);
  // A page is one of what is seen.
  expect(await listed('/api/namespaces?offset=1&limit=2', 'namespaces', 'id', sent)).toEqual(seen.slice(1, 3));
  let amount = seen.length;
  for (const namespace of namespaces) {
    const path = `/api/namespaces/${namespace}/pipelines`;
    const all = await listed(path, 'pipelines', 'pipeline_id', every);
    const mine = await obtainable(all, (id) => `${path}/${id}`, sent);
    expect(await listed(path, 'pipelines', 'pipeline_id', sent)).toEqual(mine);
    expect(await listed(`${path}?offset=1&limit=1`, 'pipelines', 'pipeline_id', sent)).toEqual(mine.slice(1, 2));
    amount += mine.length;
  }
  events = await eventsSeenBy({ token: server.admin });
  const told = events.filter((event) => isForThem(roles, principal, event)).map(({ id }) => id);
  expect((await eventsSeenBy(sent)).map(({ id }) => id)).toEqual(told);
  expect(
    await obtainable(
      events.map(({ id }) => id),
      (id) => `/api/events/${id}`,
      sent,
    ),
  ).toEqual(told);
  return amount + told.length;
}

describe('what lists and events show', () => {
  it('is what the caller could get one by one, whatever its roles', async () => {
    const amounts: number[] = [];
    let number = 0;
    await fc.assert(
      fc.asyncProperty(seeing, fc.oneof(seeing, permissions), async (...given) => {
        number += 1;
        const roles = given.map((each, index) => ({ id: `role-${number}-${index}`, permissions: each }));
        for (const { id, permissions: each } of roles)
          await server.ask('POST', '/api/roles', { id, description: '', permissions: toWire(each, false) });
        const held = { roles: roles.map(({ id }) => id) };
        amounts.push(await expectNoMoreNorLess({ token: (await createToken(server, held.roles)).secret }, held, roles));
      }),
      { numRuns: 15 },
    );
    // Not everything, and not nothing.
    expect(new Set(amounts).size).toBeGreaterThan(1);
  });

  it('is everything for an administrator, and of the namespace default for the role user', async () => {
    expect(await expectNoMoreNorLess({ token: server.admin }, { roles: ['admin'] })).toBeGreaterThan(events.length);
    const user = { token: (await createToken(server, ['user'])).secret };
    await expectNoMoreNorLess(user, { roles: ['user'] });
    expect(await listed('/api/namespaces', 'namespaces', 'id', user)).toEqual(['default']);
  });

  it('is its own pipeline for a task', async () => {
    await expectNoMoreNorLess({ token: task }, { roles: ['inject_api_token'], scope: TASK });
    expect(await listed('/api/namespaces', 'namespaces', 'id', { token: task })).toEqual([TASK.namespaceId]);
    const path = `/api/namespaces/${TASK.namespaceId}/pipelines`;
    expect(await listed(path, 'pipelines', 'pipeline_id', { token: task })).toEqual([TASK.pipelineId]);
    const told = (await eventsSeenBy({ token: task })).flatMap(({ kind }) => Object.values(kind));
    for (const { namespace_id, pipeline_id } of told) {
      expect(namespace_id).toBe(TASK.namespaceId);
      expect([undefined, TASK.pipelineId]).toContain(pipeline_id);
    }
    expect(told.length).toBeGreaterThan(5);
  });

  it('is what the role anonymous may read for whoever has no token', async () => {
    expect(await listed('/api/namespaces/default/pipelines', 'pipelines', 'pipeline_id', {})).not.toEqual([]);
    expect(await listed('/api/namespaces/abc/pipelines', 'pipelines', 'pipeline_id', {})).toEqual([]);
    const path = '/api/namespaces/default/pipelines';
    const all = await listed(path, 'pipelines', 'pipeline_id', { token: server.admin });
    expect(await listed(path, 'pipelines', 'pipeline_id', {})).toEqual(await obtainable(all, (id) => `${path}/${id}`, {}));
  });

  it('changes with the roles in the middle of a stream', async () => {
    await server.ask('POST', '/api/roles', { id: 'watcher', description: '', permissions: [{ resources: ['all'], actions: ['read'] }] });
    const { secret } = await createToken(server, ['watcher']);
    const { socket, frames } = await server.socket('/api/events', { token: secret });
    const seen = async (count: number): Promise<void> => {
      while (frames.length < count) await new Promise((resolve) => socket.once('message', resolve));
    };
    await deployWithToken(server, 'default', 'seen');
    await seen(3);
    await server.ask('PATCH', '/api/roles/watcher', {
      permissions: [{ resources: ['namespaces:abc', 'pipelines', 'events'], actions: ['read'] }],
    });
    await deployWithToken(server, 'default', 'unseen');
    await deployWithToken(server, 'abc', 'seen-too');
    await seen(6);
    socket.close();
    const pipelines = frames.flatMap((frame) => /"pipeline_id":"([^"]+)"/.exec(frame)?.[1] ?? []);
    expect([...new Set(pipelines)]).toEqual(['seen', 'seen-too']);
  });
});
