/** No value of a secret, and no key that encrypts them, in anything that the server writes or says: whatever tasks print, whatever fails. */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDocker } from '../backends/docker-engine.ts';
import { type Engine, GoferServer, pipelinePath, taskPath } from './gofer-server.ts';
import { until } from './leftovers.ts';
import { tracesOf } from './written-traces.ts';

const KEY = randomBytes(16).toString('hex');
const NEXT_KEY = randomBytes(16).toString('hex');
const TOKEN = `tok-${randomBytes(12).toString('hex')}`;
const PEM = `-----BEGIN-----\n${Array.from({ length: 4 }, () => randomBytes(24).toString('hex')).join('\n')}\n-----END-----\n`;
const ODD = `odd "quoted" \\ & ${randomBytes(6).toString('hex')} ü/+`;
const PASSWORD = `registry-${randomBytes(8).toString('hex')}`;
const SECRETS = [TOKEN, ...PEM.trim().split('\n').slice(1, -1), ODD, PASSWORD, KEY, NEXT_KEY];

const VARIABLES = { TOKEN: 'pipeline_secret{{token}}', PEM: 'pipeline_secret{{pem}}', ODD: 'global_secret{{odd}}' };
/** Prints secrets in every way that the page on secrets names. */
const PRINTS = [
  'echo "token: $TOKEN"',
  'printf "%s" "$PEM"',
  'echo; echo "odd: $ODD" >&2',
  'printf "%s" "$TOKEN" | base64',
  'printf "user:%s" "$TOKEN" | base64',
  'printf "%s" "$PEM" | base64',
  // In two halves, with the break in the middle of the value.
  'printf "%s" "$TOKEN" | head -c 12; sleep 0.2; printf "%s" "$TOKEN" | tail -c +13; echo',
  'printf "%s" "$TOKEN" | fold -w 9; echo',
  'i=0; while [ $i -lt 300 ]; do echo "$i $TOKEN"; i=$((i+1)); done',
  'env | grep -c TOKEN',
].join('; ');

function staysSecret(engine: Engine): void {
  let server: GoferServer;
  const settings = (key: string, ...previous: readonly string[]) => [
    `secret_store.sqlite.encryption_key=${key}`,
    ...previous.map((former) => `secret_store.sqlite.previous_encryption_keys=${former}`),
    'api.log_level=trace',
  ];
  beforeAll(async () => {
    server = await GoferServer.start(engine, { settings: settings(KEY) });
  });
  afterAll(() => server.close());

  const putSecret = (pipeline: string, key: string, content: string, force = false) =>
    server.ask('POST', `${pipelinePath(pipeline)}/secrets`, { key, content, force });

  async function assertNoTrace(...others: readonly string[]): Promise<void> {
    expect(await tracesOf([...SECRETS, ...others], server.directory, server.log)).toEqual([]);
  }

  it('finds what is written, so that the other tests mean something', async () => {
    await server.deploy('control', [
      { id: 'one', script: 'echo this-stands-in-the-log', variables: { SEEN: 'this-stands-in-the-database' } },
    ]);
    await server.run('control', 60);
    const found = await tracesOf(['this-stands-in-the-log', 'this-stands-in-the-database'], server.directory, server.log);
    expect(found.filter((place) => place.endsWith('log'))).not.toEqual([]);
    expect(found.filter((place) => place.endsWith('database'))).not.toEqual([]);
  });

  it('whatever a task prints', async () => {
    await server.ask('POST', '/api/secrets/global', { key: 'odd', content: ODD, namespaces: ['default'], force: false });
    await server.deploy('prints', [{ id: 'one', script: PRINTS, variables: VARIABLES }]);
    await putSecret('prints', 'token', TOKEN);
    await putSecret('prints', 'pem', PEM);
    const run = await server.run('prints', 60);
    expect(run.status).toBe('successful');
    const log = (await server.rawLog('prints', run.run_id, 'one')).toString();
    expect(log).toContain('token: [redacted]\n');
    expect(log).toContain('odd: [redacted]\n');
    expect(log.match(/^\d+ \[redacted\]$/gm)).toHaveLength(300);
    expect((await server.task('prints', run.run_id, 'one')).log?.complete).toBe(true);
    await assertNoTrace();
  });

  it('when the server is killed in the middle of one', async () => {
    const gate = join(server.directory, 'gate');
    const wait = engine === 'docker' ? 'sleep 3' : `while [ ! -e ${gate} ]; do sleep 0.02; done`;
    const script = `echo begun; printf "%s" "$TOKEN" | head -c 14; ${wait}; printf "%s" "$TOKEN" | tail -c +15; echo; echo "again $TOKEN"`;
    await server.deploy('killed', [{ id: 'one', script, variables: { TOKEN: 'pipeline_secret{{token}}' } }]);
    await putSecret('killed', 'token', TOKEN);
    const { run_id: runId } = await server.run('killed');
    const follower = await server.follow('killed', runId, 'one');
    await until('its first line', () => follower.frames.length > 0);
    // The secret is another one by the time the server is back: the task has the former.
    await putSecret('killed', 'token', 'another-value-by-now', true);
    await server.end('SIGKILL');
    writeFileSync(gate, '');
    await server.begin();
    expect((await server.getRun('killed', runId, 60)).status).toBe('successful');
    expect((await server.rawLog('killed', runId, 'one')).toString()).toBe('begun\n[redacted]\nagain [redacted]\n');
    await assertNoTrace('another-value-by-now');
  });

  it('when things go wrong', async () => {
    const auth = { registry_auth: { user: 'robot', pass: PASSWORD } };
    await server.deploy('wrong', [
      { id: 'command', command: ['/nowhere/at-all'], variables: VARIABLES },
      { id: 'image', image: '127.0.0.1:1/none:1', command: ['true'], variables: VARIABLES, ...auth },
      { id: 'missing', command: ['true'], variables: { ...VARIABLES, GONE: 'pipeline_secret{{none}}' } },
      { id: 'prints', script: 'echo "$TOKEN"; echo "$TOKEN" >&2; exit 3', variables: VARIABLES },
      { id: 'large', command: ['true'], variables: { ...VARIABLES, LARGE: 'pipeline_secret{{large}}' } },
    ]);
    await putSecret('wrong', 'token', TOKEN);
    await putSecret('wrong', 'pem', PEM);
    await putSecret('wrong', 'large', TOKEN.repeat(5000));
    const run = await server.run('wrong', 60);
    expect(run.status).toBe('failed');
    const tasks = await server.tasks('wrong', run.run_id);
    expect(tasks.find(({ task_id }) => task_id === 'missing')?.status_reason).toMatchObject({
      reason: 'failed_precondition',
      description: expect.stringMatching(/variable GONE .*pipeline_secret\{\{none\}\}/),
    });
    const said = JSON.stringify([tasks, await server.getRun('wrong', run.run_id)]);
    for (const secret of SECRETS) expect(said).not.toContain(secret);
    // Bodies that cannot be used, and answers that were not asked to show a value.
    const path = `${pipelinePath('wrong')}/secrets`;
    const refusals = [
      await server.call('POST', path, { key: 'a b', content: TOKEN, force: false }),
      await server.call('POST', path, { key: 'token', content: TOKEN, force: false }),
      await server.call('POST', path, { key: 'token', content: TOKEN, force: 'maybe' }),
      await server.call('POST', path, Buffer.from(`{"key": "${TOKEN}`)),
      await server.call('POST', '/api/secrets/global', { key: 'x', content: TOKEN, namespaces: ['['], force: false }),
      await server.call('GET', `${path}/token`),
      await server.call('GET', path),
    ];
    for (const { body } of refusals) for (const secret of SECRETS) expect(body.toString()).not.toContain(secret);
    await assertNoTrace();
  });

  it('while the key is rotated, with the server answering', async () => {
    const read = async () =>
      (await server.ask<{ secret: string }>('GET', `${pipelinePath('prints')}/secrets/token?include_secret=true`)).secret;
    expect(await read()).toBe(TOKEN);
    await server.end('SIGTERM');
    // Only the new key: the server says so at start, and changes nothing.
    const wrong = new GoferServer(engine, { settings: settings(NEXT_KEY), directory: server.directory });
    await expect(wrong.begin()).rejects.toThrow(/ended with 78 [^]*secret_store\.sqlite\.encryption_key/);
    expect(await tracesOf(SECRETS, wrong.directory, wrong.log)).toEqual([]);
    await wrong.close();
    const rotating = new GoferServer(engine, { settings: settings(NEXT_KEY, KEY), directory: server.directory });
    try {
      await rotating.begin();
      const [, ...values] = await Promise.all([
        rotating.ask('POST', '/api/secrets/rotation'),
        ...Array.from(
          { length: 20 },
          async () => (await rotating.ask<{ secret: string }>('GET', `${pipelinePath('prints')}/secrets/token?include_secret=true`)).secret,
        ),
      ]);
      expect(new Set(values)).toEqual(new Set([TOKEN]));
      expect(await tracesOf(SECRETS, rotating.directory, rotating.log)).toEqual([]);
    } finally {
      await rotating.close();
    }
    const rotated = new GoferServer(engine, { settings: settings(NEXT_KEY), directory: server.directory });
    try {
      await rotated.begin();
      const secret = await rotated.ask<{ secret: string }>('GET', `${pipelinePath('prints')}/secrets/token?include_secret=true`);
      expect(secret.secret).toBe(TOKEN);
      await rotated.ask('DELETE', pipelinePath('prints'));
      await until('the pipeline to be gone', async () => (await rotated.call('GET', taskPath('prints', 1, 'one'))).status === 404);
    } finally {
      await rotated.close();
    }
    expect(existsSync(join(server.directory, 'gofer', 'secrets.db'))).toBe(true);
    await assertNoTrace();
  });
}

describe('on processes, a secret stays one', () => {
  staysSecret('process');
});
await describeDocker('on Docker, a secret stays one', () => staysSecret('docker'));
