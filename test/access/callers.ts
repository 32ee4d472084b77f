/** Everybody who knocks at the server's door: those who are let in somewhere, and every kind of credentials that is not or no longer good. */
import { createHash } from 'node:crypto';
import { pipelineJson } from '../e2e/gofer-server.ts';
import { until } from '../e2e/leftovers.ts';
import type { AccessServer, Sent } from './access-server.ts';
import type { Column } from './route-table.ts';

export interface Caller {
  readonly name: string;
  readonly column: Column;
  readonly sent: Sent;
}

/** The newest runs of a pipeline whose logs are kept, and with them the tokens of their tasks: more than the walk starts itself. */
export const LOG_RETENTION = 20;

const EVERY = ['read', 'write', 'delete'];
const OF_A_NAMESPACE = ['configs', 'deployments', 'events', 'objects', 'runs', 'secrets', 'subscriptions', 'task_executions'];
const REST = [...OF_A_NAMESPACE, 'permissions', 'system', 'tokens', 'extensions'];
const ROLES: Readonly<Record<string, { readonly resources: readonly string[]; readonly actions: readonly string[] }>> = {
  'role-elsewhere': { resources: ['namespaces:^other$', 'pipelines', ...OF_A_NAMESPACE], actions: EVERY },
  'role-neighbour': { resources: ['namespaces:default', 'pipelines:^demo2$', ...OF_A_NAMESPACE], actions: EVERY },
  'role-reader': { resources: ['all'], actions: ['read'] },
  'role-places': { resources: ['namespaces', 'pipelines'], actions: EVERY },
  'role-rest': { resources: REST, actions: EVERY },
  'role-manager': { resources: ['all'], actions: EVERY },
};
const HOLDERS: Readonly<Partial<Record<Column, readonly string[]>>> = {
  roleless: [],
  elsewhere: ['role-elsewhere'],
  neighbour: ['role-neighbour'],
  reader: ['role-reader'],
  split: ['role-places', 'role-rest'],
  manager: ['role-manager'],
  user: ['user'],
  admin: ['admin'],
};

/** A pipeline with one task, `one`, which is given a token. */
export async function deployWithToken(server: AccessServer, namespaceId: string, pipelineId: string): Promise<void> {
  const config = pipelineJson(pipelineId, [{ id: 'one' }]);
  const tasks = config.tasks.map((task) => ({ ...task, inject_api_token: true }));
  const configs = `/api/namespaces/${namespaceId}/pipelines/${pipelineId}/configs`;
  await server.ask('POST', configs, { config: { ...config, tasks } });
  await server.ask('POST', `${configs}/1`);
}

/** The token that the run's task was given. The run has ended by then. */
export async function tokenOfRun(server: AccessServer, namespaceId: string, pipelineId: string): Promise<string> {
  const before = server.started.length;
  await server.ask('POST', `/api/namespaces/${namespaceId}/pipelines/${pipelineId}/runs?wait=60`, {});
  const token = server.started[before]?.env['GOFER_API_TOKEN'];
  if (token === undefined) throw new Error(`the task of ${namespaceId}/${pipelineId} was given no token`);
  return token;
}

export async function createToken(server: AccessServer, roles: readonly string[], expires = 0): Promise<{ id: string; secret: string }> {
  const made = await server.ask<{ token_details: { id: string }; secret: string }>('POST', '/api/tokens', { user: 'them', roles, expires });
  return { id: made.token_details.id, secret: made.secret };
}

/**
 * An extension that is installed without being started: the pipelines of `subscribed` are subscribed to it. Resolves with its token, after a
 * restart of the server.
 */
export async function addExtension(
  server: AccessServer,
  id: string,
  subscribed: readonly (readonly [namespace: string, pipeline: string])[],
  additionalRoles: readonly string[] = [],
): Promise<string> {
  const secret = `gofer_${id.padEnd(43, '0')}`;
  await server.restart((database) => {
    const [tokenId, uid, roles] = [`token of ${id}`, `uid of ${id}`, JSON.stringify(additionalRoles)];
    database
      .prepare("INSERT INTO tokens (id, hash, user, roles, metadata, created, expires) VALUES (?, ?, ?, ?, '{}', 1, 0)")
      .run(tokenId, hashOf(secret), `${id} (extension)`, JSON.stringify([`extension_${id}`, ...additionalRoles]));
    // Of its key there is nothing, so that it cannot be started.
    database
      .prepare(
        `INSERT INTO extensions (id, uid, image, settings, key, token_id, additional_roles, enabled, created, modified)
         VALUES (?, ?, 'any', '[]', 'lost', ?, ?, 1, 1, 1)`,
      )
      .run(id, uid, tokenId, roles);
    for (const [namespace, pipeline] of subscribed)
      database
        .prepare(
          `INSERT INTO subscriptions (uid, pipeline_uid, namespace_id, pipeline_id, extension_id, subscription_id, settings, origin, created, modified)
           SELECT ?, uid, namespace_id, pipeline_id, ?, 'one', '{}', 'api', 1, 1 FROM pipelines WHERE namespace_id = ? AND pipeline_id = ?`,
        )
        .run(`${id}/${namespace}/${pipeline}`, id, namespace, pipeline);
  });
  return secret;
}

/** What the browser holds after a login with this token. */
export async function logIn(server: AccessServer, token: string): Promise<string> {
  const { headers } = await server.call('POST', '/api/sessions', { token });
  const cookie = /^gofer_session=([^;]+)/.exec(headers['set-cookie']?.[0] ?? '')?.[1];
  if (cookie === undefined) throw new Error('the server gave no cookie');
  return cookie;
}

/** Makes `default/demo`, `default/demo2`, `other/demo` and the empty namespace `spare`, and everybody who is to call. */
export async function gatherCallers(server: AccessServer): Promise<readonly Caller[]> {
  for (const id of ['other', 'spare']) await server.ask('POST', '/api/namespaces', { id, name: id, description: '' });
  for (const [id, permission] of Object.entries(ROLES))
    await server.ask('POST', '/api/roles', { id, description: '', permissions: [permission] });
  for (const [namespace, pipeline] of [
    ['default', 'demo'],
    ['default', 'demo2'],
    ['other', 'demo'],
  ] as const)
    await deployWithToken(server, namespace, pipeline);

  const callers: Caller[] = [];
  const add = (column: Column, name: string, sent: Sent): void => void callers.push({ column, name, sent });
  for (const [column, roles] of Object.entries(HOLDERS) as [Column, readonly string[]][]) {
    const { secret } = await createToken(server, roles);
    add(column, column, { token: secret });
    if (column === 'user' || column === 'admin') add(column, `a session of ${column}`, { cookie: await logIn(server, secret) });
  }
  add('admin', 'the first token', { token: server.admin });
  add('task', 'a task of the same pipeline', { token: await tokenOfRun(server, 'default', 'demo') });
  add('foreign', 'a task of a pipeline of this name elsewhere', { token: await tokenOfRun(server, 'other', 'demo') });
  add('extension', 'an extension', { token: await addExtension(server, 'watcher', [['default', 'demo']]) });
  for (const [name, sent] of [...badlyWritten(server.admin), ...(await dead(server)), ...(await deadTasks(server))])
    add('nobody', name, sent);
  return callers;
}

function badlyWritten(good: string): [name: string, sent: Sent][] {
  const changed = `${good.slice(0, -1)}${good.endsWith('A') ? 'E' : 'A'}`;
  return [
    ['no token', {}],
    ['an empty token', { headers: { authorization: 'Bearer ' } }],
    ['another scheme', { headers: { authorization: `Basic ${Buffer.from(`admin:${good}`).toString('base64')}` } }],
    ['a token without its scheme', { headers: { authorization: good } }],
    ['two tokens', { headers: { authorization: `Bearer ${good} ${good}` } }],
    ['a token in quotes', { token: `"${good}"` }],
    ['a wrong token', { token: changed }],
    ['a token of another spelling', { token: good.toUpperCase() }],
    ['a token without its prefix', { token: good.replace('gofer_', '') }],
    ['a wrong session', { cookie: changed }],
    ['a token as the session', { cookie: good }],
    ['an empty token with a wrong session', { cookie: changed, headers: { authorization: 'Bearer' } }],
  ];
}

/** Tokens of people, and sessions of such. */
async function dead(server: AccessServer): Promise<[name: string, sent: Sent][]> {
  const expired = await createToken(server, ['admin'], 3600);
  const disabled = await createToken(server, ['admin']);
  const deleted = await createToken(server, ['admin']);
  const loggedOut = await logIn(server, server.admin);
  const sessions = {
    expired: await logIn(server, expired.secret),
    disabled: await logIn(server, disabled.secret),
    deleted: await logIn(server, deleted.secret),
    over: await logIn(server, server.admin),
  };
  await server.ask('PATCH', `/api/tokens/${disabled.id}`, { disabled: true });
  await server.ask('DELETE', `/api/tokens/${deleted.id}`);
  await server.call('DELETE', '/api/sessions', { cookie: loggedOut });
  const over = Date.now() - 1;
  await server.restart((database) => {
    database.prepare('UPDATE tokens SET expires = ? WHERE id = ?').run(over, expired.id);
    // The session of a token that goes on ends by itself; that of the one that has expired does not.
    database.prepare('UPDATE sessions SET expires = ? WHERE hash = ?').run(over, hashOf(sessions.over));
  });
  return [
    ['an expired token', { token: expired.secret }],
    ['a disabled token', { token: disabled.secret }],
    ['a deleted token', { token: deleted.secret }],
    ['a session that was left', { cookie: loggedOut }],
    ['a session that is over', { cookie: sessions.over }],
    ['a session of an expired token', { cookie: sessions.expired }],
    ['a session of a disabled token', { cookie: sessions.disabled }],
    ['a session of a deleted token', { cookie: sessions.deleted }],
  ];
}

async function deadTasks(server: AccessServer): Promise<[name: string, sent: Sent][]> {
  const tokens: Record<string, string> = {};
  for (const pipeline of ['gone', 'again', 'many', 'purged']) {
    await deployWithToken(server, 'default', pipeline);
    tokens[pipeline] = await tokenOfRun(server, 'default', pipeline);
  }
  for (const pipeline of ['gone', 'again']) await server.ask('DELETE', `/api/namespaces/default/pipelines/${pipeline}`);
  await deployWithToken(server, 'default', 'again');
  await server.ask('DELETE', '/api/namespaces/default/pipelines/purged/runs/1?purge=true');
  for (let run = 0; run < LOG_RETENTION; run++) await tokenOfRun(server, 'default', 'many');
  const many = { token: tokens['many'] };
  await until('the logs of a run to expire', async () => (await server.call('GET', '/api/tokens/whoami', many)).status === 401);
  return [
    ['a task of a deleted pipeline', { token: tokens['gone'] }],
    ['a task of a pipeline that was made again', { token: tokens['again'] }],
    ['a task of a run whose logs have expired', many],
    ['a task of a run that was deleted', { token: tokens['purged'] }],
  ];
}

/** As the server keeps it. */
function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
