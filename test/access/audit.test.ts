/** The audit: what is in it of each route, and that it is there exactly once, whatever comes of the request. */
import { type AuditEntry, type OperationId, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tracesOf } from '../e2e/written-traces.ts';
import { AccessServer, type Answer, type Sent } from './access-server.ts';
import { AUDITED_STEPS, type AuditedStep, bodyOf, SECRETS_SENT } from './audited-steps.ts';
import { createToken, logIn } from './callers.ts';
import { fillPath, PATHS } from './route-table.ts';

/** Whatever is no `GET`, and readings of secrets. */
const AUDITED = (Object.entries(ROUTES) as [OperationId, RouteDefinition][]).filter(
  ([, { method, audit }]) => method !== 'GET' || audit?.when !== undefined,
);
const READINGS: ReadonlySet<OperationId> = new Set<OperationId>(['get_global_secret', 'get_pipeline_secret']);

let server: AccessServer;
let adminId: string;
beforeAll(async () => {
  server = await AccessServer.start({ 'api.log_level': 'trace' });
  adminId = (await server.ask<{ token: { id: string } }>('GET', '/api/tokens/whoami')).token.id;
});
afterAll(() => server.close());

const entries = async (query = 'limit=1000'): Promise<AuditEntry[]> =>
  (await server.ask<{ entries: AuditEntry[] }>('GET', `/api/audit?${query}`)).entries;

/** What one request adds. */
async function addedBy(ask: () => Promise<Answer>): Promise<{ answer: Answer; added: readonly AuditEntry[] }> {
  const [last] = await entries('limit=1');
  const answer = await ask();
  return { answer, added: (await entries()).filter(({ id }) => id > (last?.id ?? 0)) };
}

function requestOf(step: AuditedStep, found: ReadonlyMap<string, string>): { method: string; path: string; body: unknown } {
  const route: RouteDefinition = ROUTES[step.id];
  const ids = Object.fromEntries(Object.entries(step.ids ?? {}).map(([name, id]) => [name, found.get(id) ?? id]));
  return { method: route.method, path: `${fillPath(route.path, ids)}${step.query ?? ''}`, body: bodyOf(step) };
}

describe('the audit', () => {
  it('is shown each audited route by the steps below', () => {
    const shown = new Set(AUDITED_STEPS.map(({ id }) => id));
    const missing = AUDITED.map(([id]) => id).filter((id) => !shown.has(id));
    expect(missing, 'each of these routes needs a step in AUDITED_STEPS, test/access/audited-steps.ts').toEqual([]);
  });

  it('has one entry of each request that changes something, or that reads a secret', async () => {
    /** Ids that the server has made, by the names that the steps give them. */
    const found = new Map<string, string>([['the admin', adminId]]);
    const cookie = await logIn(server, server.admin);
    for (const step of AUDITED_STEPS) {
      const { method, path, body } = requestOf(step, found);
      const sent: Sent = step.id === 'delete_session' ? { cookie } : { token: server.admin };
      const { answer, added } = await addedBy(() => server.call(method, path, { ...sent, ...(body === undefined ? {} : { body }) }));
      const name = `${step.id} ${path}: ${answer.status} ${answer.text}`;
      expect(answer.code ?? 'success', `the answer to ${name}`).toBe(step.result ?? 'success');
      if (step.makes !== undefined) found.set(step.makes.name, step.makes.read(JSON.parse(answer.text)));
      const target = Object.fromEntries(Object.entries(step.target).map(([key, value]) => [key, found.get(value) ?? value]));
      const nobody = step.id === 'create_bootstrap_token';
      expect(added, `the entry of ${name}`).toEqual(
        nobody
          ? []
          : [
              {
                id: expect.any(Number),
                at: expect.any(Number),
                actor: { id: adminId, user: 'bootstrap' },
                address: '127.0.0.1',
                operation: step.id,
                target,
                result: step.result ?? 'success',
                request_id: answer.headers['x-request-id'],
              },
            ],
      );
      expect(Math.abs((added[0]?.at ?? Date.now()) - Date.now())).toBeLessThan(60_000);
    }
  });

  it('has one entry of each that was refused for lack of permission, and none of those whom nobody knows', async () => {
    const { id, secret } = await createToken(server, []);
    for (const [operation, route] of AUDITED) {
      const path = `${fillPath(route.path, PATHS[operation])}${READINGS.has(operation) ? '?include_secret=true' : ''}`;
      const body = route.body === undefined ? {} : { body: { key: 'told', user: 'told', id: 'told' } };
      const isOpen = route.permission === 'token' || route.permission === 'none';
      if (!isOpen) {
        const { added } = await addedBy(() => server.call(route.method, path, { token: secret, ...body }));
        expect(added, `${operation} by someone without roles`).toHaveLength(1);
        expect(added[0]).toMatchObject({ actor: { id, user: 'them' }, operation, result: 'PERMISSION_DENIED', address: '127.0.0.1' });
        // What was not let in was not read.
        expect(Object.keys(added[0]?.target ?? {})).toEqual([...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
      }
      for (const sent of [{}, { token: 'gofer_wrong' }]) {
        const { added } = await addedBy(() => server.call(route.method, path, { ...sent, ...body }));
        expect(added, `${operation} by nobody`).toEqual([]);
      }
    }
  });

  it('has nothing of what is only read', async () => {
    const { added } = await addedBy(async () => {
      let last: Answer | undefined;
      for (const [operation, { method, path, kind }] of Object.entries(ROUTES) as [OperationId, RouteDefinition][]) {
        if (method !== 'GET' || kind === 'websocket') continue;
        for (const query of READINGS.has(operation) ? ['', '?include_secret=false'] : [''])
          for (const token of [server.admin, undefined]) last = await server.call(method, `${fillPath(path)}${query}`, { token });
      }
      if (last === undefined) throw new Error('nothing was read');
      return last;
    });
    expect(added).toEqual([]);
  });

  it('keeps what many do at the same time apart', async () => {
    const users = Array.from({ length: 40 }, (_, number) => `user-${number}`);
    const made = await Promise.all(
      users.map(async (user, number) => {
        // Others that commit in the same moment, some of which are refused.
        const others = [
          server.call('POST', '/api/namespaces', { token: server.admin, body: { id: `beside-${number % 30}`, name: '', description: '' } }),
          server.call('PATCH', '/api/system', { token: server.admin, body: { ignore_pipeline_run_events: false } }),
        ];
        const answer = await server.call('POST', '/api/tokens', { token: server.admin, body: { user, roles: ['user'], expires: 0 } });
        await Promise.all(others);
        return {
          user,
          id: (JSON.parse(answer.text) as { token_details: { id: string } }).token_details.id,
          request: answer.headers['x-request-id'],
        };
      }),
    );
    const told = await entries('limit=1000&operation=create_token');
    for (const { user, id, request } of made) {
      const own = told.filter(({ request_id }) => request_id === request);
      expect(own.map(({ target }) => target)).toEqual([{ user, roles: '["user"]', expires: '0', id }]);
    }
    const beside = (await entries('limit=1000&operation=create_namespace')).filter(({ target }) => target['id']?.startsWith('beside-'));
    expect(beside.filter(({ result }) => result === 'success')).toHaveLength(30);
    expect(beside.filter(({ result }) => result === 'ALREADY_EXISTS')).toHaveLength(10);
  });

  it('holds no secret, and neither does anything else that is written', async () => {
    const tokens = [server.admin, (await createToken(server, ['user'])).secret, await logIn(server, server.admin)];
    expect(await tracesOf([...SECRETS_SENT, ...tokens.map((token) => token.replace('gofer_', ''))], server.directory, server.log)).toEqual(
      [],
    );
  });
});
