/** A task reaches its own pipeline, and by no route and no way of writing a path any other. */
import { type OperationId, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessServer } from './access-server.ts';
import { deployWithToken, tokenOfRun } from './callers.ts';
import { knock } from './knock.ts';
import { fillPath } from './route-table.ts';

const OWN = { namespace_id: 'default', pipeline_id: 'demo' } as const;
const OTHERS = [
  { namespace_id: 'default', pipeline_id: 'demo2' },
  { namespace_id: 'default', pipeline_id: 'DEMO' },
  { namespace_id: 'other', pipeline_id: 'demo' },
  { namespace_id: 'default2', pipeline_id: 'demo' },
] as const;

let server: AccessServer;
let token: string;

const pathOf = ({ namespace_id, pipeline_id }: { namespace_id: string; pipeline_id: string }): string =>
  `/api/namespaces/${namespace_id}/pipelines/${pipeline_id}`;

/** A path below one, whose query stays at the end. */
function under(path: string, rest: string): string {
  const [before = '', query] = path.split('?');
  return `${before}${rest}${query === undefined ? '' : `?${query}`}`;
}

/** All that an administrator sees of the other pipelines. */
async function stateOfOthers(): Promise<readonly string[]> {
  const parts = [
    '',
    '/configs',
    '/deployments',
    '/runs',
    '/objects',
    '/secrets',
    '/runs/1/objects',
    '/runs/1/tasks',
    '/runs/1/tasks/one/logs/raw',
    '/objects/key',
    '/secrets/key?include_secret=true',
  ];
  const paths = OTHERS.flatMap((other) => parts.map((part) => `${pathOf(other)}${part}`));
  const answers = await Promise.all(paths.map((path) => server.call('GET', path, { token: server.admin })));
  return answers.map(({ text }, index) => `${paths[index]}: ${text.replace(/"request_id":.*/, '')}`);
}

beforeAll(async () => {
  server = await AccessServer.start();
  for (const id of ['other', 'default2']) await server.ask('POST', '/api/namespaces', { id, name: id, description: '' });
  for (const { namespace_id, pipeline_id } of [OWN, ...OTHERS]) {
    await deployWithToken(server, namespace_id, pipeline_id);
    const given = await tokenOfRun(server, namespace_id, pipeline_id);
    if (namespace_id === OWN.namespace_id && pipeline_id === OWN.pipeline_id) token = given;
    const path = pathOf({ namespace_id, pipeline_id });
    for (const place of [path, `${path}/runs/1`])
      expect(
        (await server.call('POST', `${place}/objects/key`, { token: server.admin, body: Buffer.from(`the object of ${place}`) })).status,
      ).toBe(201);
    await server.ask('POST', `${path}/secrets`, { key: 'key', content: `the secret of ${path}`, force: false });
  }
});
afterAll(() => server.close());

const ROUTE_IDS = Object.keys(ROUTES) as OperationId[];

describe('a task', () => {
  it('neither sees nor touches another pipeline by any route', async () => {
    const before = await stateOfOthers();
    expect(before.join('\n')).toContain('the secret of');
    for (const id of ROUTE_IDS) {
      const { path }: RouteDefinition = ROUTES[id];
      for (const other of OTHERS) {
        const isOfPipeline = path.includes('{pipeline_id}');
        const isOfOtherNamespace = path.includes('{namespace_id}') && other.namespace_id !== OWN.namespace_id;
        if (!isOfPipeline && !isOfOtherNamespace) continue;
        const { verdict, shown } = await knock(server, id, { token }, { path: fillPath(path, { ...other, key: 'key' }) });
        expect(verdict, `${id} of ${pathOf(other)}: ${shown}`).toBe('-');
      }
    }
    expect(await stateOfOthers()).toEqual(before);
  });

  it('reaches none by another way to write its path', async () => {
    const before = await stateOfOthers();
    const [own, other] = [pathOf(OWN), pathOf(OTHERS[0])];
    const ways = [
      `${own}/../demo2`,
      `${own}/%2e%2e/demo2`,
      `${own}%2f..%2fdemo2`,
      `${own}/..%2fdemo2`,
      `${own}%00/../demo2`,
      `${own}2`,
      `${own}%32`,
      `${own}2%00`,
      `${own};/demo2`,
      `${own}%20`,
      `${own}%0a`,
      `${own}%0a2`,
      `/api/namespaces/default/pipelines/d%65mo2`,
      `//api//namespaces//default//pipelines//demo2`,
      `/api/namespaces/default/../default/pipelines/demo2`,
      `/api/namespaces/default%2fpipelines%2fdemo2`,
      `/API/namespaces/default/pipelines/demo2`,
      `${server.url}${other}`,
      `http://elsewhere.example${other}`,
      `${other}?pipeline_id=demo&namespace_id=default`,
      `${other}#${own}`,
      `${other}/`,
    ];
    for (const way of ways) {
      for (const rest of ['', '/objects/key', '/secrets', '/runs']) {
        const { status, text } = await server.call('GET', under(way, rest), { token });
        expect([401, 400, 404], `${way}${rest}: ${status}`).toContain(status);
        expect(text).not.toContain('the object of');
      }
      const put = await server.call('POST', under(way, '/objects/put-by-a-task'), { token, body: Buffer.from('x') });
      expect([401, 400, 404], `an upload to ${way}: ${put.status}`).toContain(put.status);
    }
    for (const headers of [
      { 'x-original-url': other },
      { 'x-rewrite-url': other },
      { 'x-http-method-override': 'DELETE' },
      { 'x-forwarded-prefix': other },
    ]) {
      const { status, text } = await server.call('GET', own, { token, headers });
      expect([status, text.includes('demo2')]).toEqual([200, false]);
    }
    expect(await stateOfOthers()).toEqual(before);
  });

  it('does what it may in its own', async () => {
    const own = pathOf(OWN);
    expect((await server.call('GET', `${own}/objects/key`, { token })).text).toBe(`the object of ${own}`);
    expect((await server.call('POST', `${own}/objects/by-a-task`, { token, body: Buffer.from('x') })).status).toBe(201);
    expect((await server.call('POST', `${own}/runs`, { token, body: {} })).status).toBe(201);
    for (const [method, path] of [
      ['DELETE', own],
      ['DELETE', `${own}/objects/key`],
      ['DELETE', `${own}/runs/1`],
      ['GET', `${own}/secrets`],
      ['GET', `${own}/secrets/key?include_secret=true`],
      ['DELETE', `${own}/runs/1/tasks/one/logs`],
    ] as const)
      expect((await server.call(method, path, { token })).code, `${method} ${path}`).toBe('PERMISSION_DENIED');
  });
});
