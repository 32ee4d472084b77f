/**
 * The change and its entry in the audit are one transaction: where one of the two cannot be written, or the commit of both fails, neither is
 * there. The database itself refuses, by triggers that are put into it beside the server.
 */
import { type OperationId, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import SQLite from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../e2e/leftovers.ts';
import { AccessServer, type Answer } from './access-server.ts';
import { addExtension, createToken, deployWithToken, logIn, tokenOfRun } from './callers.ts';
import { fillPath } from './route-table.ts';

/** Every entry is refused. */
const NO_ENTRY = "CREATE TRIGGER refused BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no entry is taken'); END";
/** Every commit of an entry fails as a whole: what it refers to is looked for at the end of the transaction. */
const NO_COMMIT = `
  CREATE TABLE refusal (of_whom INTEGER REFERENCES refusal_of (id) DEFERRABLE INITIALLY DEFERRED);
  CREATE TABLE refusal_of (id INTEGER PRIMARY KEY);
  CREATE TRIGGER refused AFTER INSERT ON audit BEGIN INSERT INTO refusal VALUES (1); END`;
/** What is written without being asked for: bodies that are not yet anybody's, and when a token was last used. */
const BESIDE: ReadonlySet<string> = new Set(['loose_bodies', 'sqlite_sequence', 'refusal', 'refusal_of']);

let server: AccessServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

/** All rows of all tables. */
function dump(path: string): Record<string, unknown> {
  const database = new SQLite(path, { readonly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[];
    return Object.fromEntries(
      tables
        .filter((table) => !BESIDE.has(table))
        .map((table) => [table, (database.prepare(`SELECT * FROM ${table}`).all() as Record<string, unknown>[]).map(withoutUse)]),
    );
  } finally {
    database.close();
  }
}

function withoutUse(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([column]) => column !== 'last_used'));
}

/** Beside the server, which goes on. */
function change(path: string, sql: string): void {
  const database = new SQLite(path);
  try {
    database.exec(sql);
  } finally {
    database.close();
  }
}

const IN = { namespace_id: 'default', pipeline_id: 'demo' } as const;
const SUBSCRIPTION = { ...IN, extension_id: 'watcher', subscription_id: 'one' } as const;
const DELIVERY = '00000000-0000-7000-8000-000000000001';
const CONFIG = {
  config: { id: 'demo', name: 'demo', parallelism: 0, tasks: [{ id: 'one', image: 'any', depends_on: {}, variables: {} }] },
};

interface Change {
  readonly ids?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
}

/**
 * A request of each route that changes something, in an order in which all of them succeed. `other`, `session`: ids of tokens; `event`: of
 * an event.
 */
const CHANGES: Partial<Record<OperationId, Change>> = {
  create_namespace: { body: { id: 'new', name: '', description: '' } },
  update_namespace: { ids: { namespace_id: 'spare' }, body: { name: 'changed' } },
  register_config: { ids: IN, body: CONFIG },
  delete_config: { ids: { ...IN, version: '3' } },
  deploy_config: { ids: { ...IN, version: '4' } },
  start_run: { ids: IN, body: {} },
  retry_run: { ids: { ...IN, run_id: '1' }, body: {} },
  cancel_task_execution: { ids: { ...IN, run_id: '2', task_id: 'one' }, query: '?wait_for=600' },
  cancel_runs: { ids: IN, query: '?wait_for=600' },
  put_pipeline_object: { ids: { ...IN, key: 'new' }, body: Buffer.from('new') },
  delete_pipeline_object: { ids: { ...IN, key: 'key' } },
  put_run_object: { ids: { ...IN, run_id: '1', key: 'new' }, body: Buffer.from('new') },
  delete_run_object: { ids: { ...IN, run_id: '1', key: 'key' } },
  delete_logs: { ids: { ...IN, run_id: '1', task_id: 'one' } },
  cancel_run: { ids: { ...IN, run_id: '1' }, query: '?purge=true' },
  put_global_secret: { body: { key: 'new', content: 'new', namespaces: ['.*'], force: false } },
  delete_global_secret: { ids: { key: 'key' } },
  put_pipeline_secret: { ids: IN, body: { key: 'key', content: 'another', force: true } },
  delete_pipeline_secret: { ids: { ...IN, key: 'key' } },
  delete_event: { ids: { event_id: 'event' } },
  create_bootstrap_token: {},
  create_token: { body: { user: 'new', roles: ['user'], expires: 0 } },
  create_session: {},
  delete_session: {},
  update_token: { ids: { id: 'other' }, body: { disabled: true } },
  delete_token: { ids: { id: 'other' } },
  create_role: { body: { id: 'new', description: '', permissions: [] } },
  update_role: { ids: { role_id: 'role' }, body: { permissions: [] } },
  delete_role: { ids: { role_id: 'role' } },
  update_system_preferences: { body: { ignore_pipeline_run_events: true } },
  put_extension_object: { ids: { extension_id: 'watcher', key: 'new' }, body: Buffer.from('new') },
  delete_extension_object: { ids: { extension_id: 'watcher', key: 'key' } },
  redeliver_extension_delivery: { ids: { extension_id: 'watcher', delivery_id: DELIVERY } },
  update_subscription: { ids: SUBSCRIPTION, body: { status: 'disabled' } },
  delete_subscription: { ids: SUBSCRIPTION },
  install_extension: { query: '?wait=0', body: { id: 'new', image: 'any', settings: {} } },
  update_extension: { ids: { extension_id: 'watcher' }, body: { image: 'another', settings: { KEY: 'value' } } },
  uninstall_extension: { ids: { extension_id: 'watcher' } },
  update_pipeline: { ids: IN, body: { state: 'disabled' } },
  delete_pipeline: { ids: IN },
  delete_namespace: { ids: { namespace_id: 'spare' } },
};
const NOT_HERE: ReadonlySet<OperationId> = new Set<OperationId>([
  // Values are encrypted anew where they are kept; nothing of the database changes.
  'rotate_secret_key',
  // Nothing is kept of it without an extension that answers.
  'create_subscription',
]);

/** One of everything that can be changed. */
async function furnish(on: AccessServer): Promise<Furnished> {
  await on.ask('POST', '/api/namespaces', { id: 'spare', name: 'spare', description: '' });
  await deployWithToken(on, IN.namespace_id, IN.pipeline_id);
  await tokenOfRun(on, IN.namespace_id, IN.pipeline_id);
  const path = `/api/namespaces/${IN.namespace_id}/pipelines/${IN.pipeline_id}`;
  // Run 2 goes on with the steps of version 2, and version 3 may be deleted.
  const task = {
    id: 'one',
    image: 'any',
    depends_on: {},
    variables: {},
    entrypoint: ['gofer-fake-steps'],
    command: ['[{"sleep_ms":600000}]'],
  };
  await on.ask('POST', `${path}/configs`, { config: { ...CONFIG.config, tasks: [task] } });
  await on.ask('POST', `${path}/configs/2`);
  await on.ask('POST', `${path}/runs`, {});
  await until('the second run to run', () => on.started.length === 2);
  for (let version = 3; version <= 4; version++) await on.ask('POST', `${path}/configs`, CONFIG);
  for (const place of [path, `${path}/runs/1`]) await on.call('POST', `${place}/objects/key`, { token: on.admin, body: Buffer.from('x') });
  await on.ask('POST', `${path}/secrets`, { key: 'key', content: 'value', force: false });
  await on.ask('POST', '/api/secrets/global', { key: 'key', content: 'value', namespaces: ['.*'], force: false });
  await on.ask('POST', '/api/roles', { id: 'role', description: '', permissions: [{ resources: ['runs'], actions: ['read'] }] });
  await addExtension(on, 'watcher', [[IN.namespace_id, IN.pipeline_id]]);
  await on.restart((database) => {
    // One that is tried to start writes by itself.
    database.prepare('UPDATE extensions SET enabled = 0').run();
    database
      .prepare(
        "INSERT INTO deliveries (id, extension_uid, received, headers, body, state) VALUES (?, 'uid of watcher', ?, '{}', x'00', 'delivered')",
      )
      .run(DELIVERY, Date.now());
  });
  await on.call('POST', '/api/extensions/watcher/objects/key', { token: on.admin, body: Buffer.from('x') });
  const other = await createToken(on, ['user']);
  const stream = await on.socket('/api/events?history=true&reverse=true', { token: on.admin });
  await stream.closed;
  const event = (JSON.parse(stream.frames.at(-1) ?? '{}') as { id: string }).id;
  return {
    ids: new Map([
      ['other', other.id],
      ['event', event],
    ]),
    cookie: await logIn(on, other.secret),
  };
}

interface Furnished {
  readonly ids: ReadonlyMap<string, string>;
  readonly cookie: string;
}

function ask(on: AccessServer, id: OperationId, { ids, cookie }: Furnished): Promise<Answer> {
  const route: RouteDefinition = ROUTES[id];
  const { ids: named = {}, query = '', body } = CHANGES[id] ?? {};
  const filled = Object.fromEntries(Object.entries(named).map(([name, value]) => [name, ids.get(value) ?? value]));
  const sent = id === 'delete_session' ? { cookie } : { token: on.admin };
  return on.call(route.method, `${fillPath(route.path, filled)}${query}`, { ...sent, ...(body === undefined ? {} : { body }) });
}

describe('a change and its entry', () => {
  it('are shown by a request of every route that changes something', () => {
    const changing = (Object.entries(ROUTES) as [OperationId, RouteDefinition][]).filter(([, { method }]) => method !== 'GET');
    const missing = changing.map(([id]) => id).filter((id) => CHANGES[id] === undefined && !NOT_HERE.has(id));
    expect(missing, 'each of these routes needs a request in CHANGES, test/access/audit-commit.test.ts').toEqual([]);
  });

  it.for([
    ['the entry cannot be written', NO_ENTRY],
    ['the commit fails', NO_COMMIT],
  ] as const)('are neither of them there where %s, and both where it can be', async ([, refusal]) => {
    const started = await AccessServer.start();
    server = started;
    const furnished = await furnish(started);
    const path = `/api/namespaces/${IN.namespace_id}/pipelines/${IN.pipeline_id}`;
    // As if nobody had asked for the first token.
    change(started.databasePath, `UPDATE system SET bootstrap_token_created = 0; ${refusal}`);
    const before = dump(started.databasePath);
    for (const id of Object.keys(CHANGES) as OperationId[]) {
      const answer = await ask(started, id, furnished);
      expect(answer.status, `${id}: ${answer.text}`).toBeGreaterThanOrEqual(500);
      expect(answer.headers['set-cookie'], `the cookie of ${id}`).toBeUndefined();
      const now = dump(started.databasePath);
      for (const table of Object.keys(before)) expect(now[table], `${table} after ${id}`).toEqual(before[table]);
    }
    expect(started.started).toHaveLength(2);
    // What is only read is answered as ever, and what was to be changed is used as it was.
    expect((await started.call('GET', `${path}/objects/key`, { token: started.admin })).text).toBe('x');
    expect((await started.call('GET', `${path}/runs/1/tasks/one/logs/raw`, { token: started.admin })).status).toBe(200);
    expect((await started.call('GET', '/api/roles/role', { token: started.admin })).text).toContain('"runs"');
    expect((await started.call('GET', '/api/tokens/whoami', { cookie: furnished.cookie })).status).toBe(200);

    change(started.databasePath, 'DROP TRIGGER refused');
    for (const id of Object.keys(CHANGES) as OperationId[]) {
      const { audit: entriesBefore, ...stateBefore } = dump(started.databasePath);
      const answer = await ask(started, id, furnished);
      expect(answer.status, `${id}: ${answer.text}`).toBe(ROUTES[id].status);
      const { audit: entries, ...state } = dump(started.databasePath);
      expect(state, `the state after ${id}`).not.toEqual(stateBefore);
      expect(entries, `the entries after ${id}`).toHaveLength((entriesBefore as unknown[]).length + 1);
    }
  });

  it('that fails is told as what it failed with, and has no change', async () => {
    const started = await AccessServer.start();
    server = started;
    change(started.databasePath, "CREATE TRIGGER refused BEFORE INSERT ON roles BEGIN SELECT RAISE(ABORT, 'no role is taken'); END");
    const role = { id: 'role', description: '', permissions: [] };
    expect((await started.call('POST', '/api/roles', { token: started.admin, body: role })).status).toBe(500);
    const { entries } = await started.ask<{ entries: object[] }>('GET', '/api/audit?limit=1');
    expect(entries).toMatchObject([{ operation: 'create_role', result: 'INTERNAL', target: { id: 'role' } }]);
    expect((await started.call('GET', '/api/roles/role', { token: started.admin })).code).toBe('NOT_FOUND');
  });
});
