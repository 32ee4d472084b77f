/**
 * A server with something in it to ask for: the pipeline `demo` with versions, runs, objects, secrets and a
 * subscription, the extension `cron`, and the role `custom`.
 */
import { GoferServer, pipelineJson, pipelinePath, VERSION } from '../e2e/gofer-server.ts';
import type { Caller } from './schemathesis.ts';

/** What the role `custom` may do; `hooks.py` has the same. */
const CUSTOM = {
  id: 'custom',
  description: 'Runs of pipelines, without their logs and objects',
  permissions: [{ resources: ['namespaces:^default$', 'pipelines:.*', 'configs', 'runs', 'secrets'], actions: ['read', 'write'] }],
};

export interface FuzzServer {
  readonly server: GoferServer;
  /** What the caller sends; undefined: nothing. */
  readonly token: string | undefined;
}

export async function startFuzzServer(caller: Caller): Promise<FuzzServer> {
  const settings = ['external_events.enable=false', 'development.pretty_logging=true'];
  if (caller !== 'bypassed')
    settings.push('development.bypass_auth=false', `secret_store.sqlite.encryption_key=${'0123456789abcdef'.repeat(2)}`);
  // Schemathesis itself sends wrong tokens between the right ones, and expects 401.
  if (caller !== 'wrong') settings.push('limits.failed_authentications=0');
  const server = await GoferServer.start('fake', { settings });
  try {
    const token = await fill(server, caller);
    return { server, token };
  } catch (error) {
    await server.close();
    throw error;
  }
}

async function fill(server: GoferServer, caller: Caller): Promise<string | undefined> {
  const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await server.call(method, path, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.body.toString()}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  const secretOf = (answer: unknown): string => (answer as { secret: string }).secret;
  let headers: Record<string, string> = VERSION;
  let admin: string | undefined;
  if (caller !== 'bypassed') {
    admin = secretOf(await ask('POST', '/api/tokens/bootstrap'));
    headers = { ...VERSION, authorization: `Bearer ${admin}` };
  }
  const demo = pipelinePath('demo');
  const tasks = [
    { id: 'one', command: ['echo', 'one'] },
    { id: 'two', command: ['echo', 'two'], depends_on: { one: 'Any' as const } },
  ];
  // The first may be deleted, as it is neither live nor the newest nor one that a run had.
  for (let version = 1; version <= 3; version++) await ask('POST', `${demo}/configs`, { config: pipelineJson('demo', tasks) });
  await ask('POST', `${demo}/configs/2`);
  for (let run = 1; run <= 3; run++) {
    await ask('POST', `${demo}/runs?wait=30`, {});
    await ask('POST', `${demo}/runs/${run}/objects/one`, Buffer.from('an object'));
  }
  await ask('POST', `${demo}/objects/one`, Buffer.from('an object'));
  await ask('POST', `${demo}/secrets`, { key: 'one', content: 'a secret' });
  await ask('POST', '/api/secrets/global', { key: 'one', content: 'a secret', namespaces: ['.*'] });
  await ask('POST', '/api/roles', CUSTOM);
  await ask('POST', '/api/extensions', { id: 'cron', image: 'builtin:cron', settings: {} });
  await ask('POST', '/api/extensions/cron/objects/one', Buffer.from('an object'));
  const subscription = { extension_id: 'cron', subscription_id: 'one', settings: { expression: '0 3 1 1 * 2099' } };
  await ask('POST', `${demo}/subscriptions`, subscription);
  // What may be deleted.
  await ask('POST', `${pipelinePath('victim')}/configs`, { config: pipelineJson('victim', tasks) });
  await ask('POST', '/api/namespaces', { id: 'victim', name: '', description: '' });
  await ask('POST', '/api/roles', { ...CUSTOM, id: 'victim' });
  switch (caller) {
    case 'admin':
      return admin;
    case 'role':
      return secretOf(await ask('POST', '/api/tokens', { user: 'fuzz', roles: [CUSTOM.id], expires: 0 }));
    case 'wrong':
      return 'gofer_nobody-has-this-one';
    default:
      return undefined;
  }
}
