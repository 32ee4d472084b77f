/** Nobody finds a secret in the list of processes, nor in the environment of a process that has no use for it. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { commandLines } from '../backends/command-lines.ts';
import { GoferServer, pipelinePath } from './gofer-server.ts';

const KEY = randomBytes(16).toString('hex');
const TOKEN = `tok-${randomBytes(12).toString('hex')}`;
const PASSWORD = `registry-${randomBytes(8).toString('hex')}`;
const SECRETS = [KEY, TOKEN, PASSWORD];
/** Has the secrets in its environment, and so do its children. Tells the test its token, which a log would not show, and waits to be looked at. */
const SCRIPT = 'printf %s "$GOFER_API_TOKEN" > "$TOLD/$$"; test -n "$TOKEN" && echo given; until test -e "$SEEN"; do sleep 0.05; done';

/** The environments of the processes in whose command line this stands. */
async function environmentsOf(text: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(text)) found.push(await readFile(`/proc/${name}/environ`, 'utf8').catch(() => ''));
  }
  return found;
}

it('while tasks with secrets run on the process engine', async () => {
  const env = { GOFER_WEB_SECRET_STORE__SQLITE__ENCRYPTION_KEY: KEY };
  const server = await GoferServer.start('process', { env });
  const told = join(server.directory, 'told');
  const looked = join(server.directory, 'looked');
  await mkdir(told);
  const secrets = [...SECRETS];
  const seen = new Set<string>();
  const supervisor = new Set<string>();
  const over = new AbortController();
  const watching = (async () => {
    for (; !over.signal.aborted; await delay(1)) for (const line of await commandLines()) seen.add(line);
  })();
  try {
    const tasks = Array.from({ length: 10 }, (_, index) => ({
      id: `t${index}`,
      script: SCRIPT,
      variables: { TOKEN: 'pipeline_secret{{token}}', TOLD: told, SEEN: looked },
      inject_api_token: true,
      registry_auth: { user: 'somebody', pass: PASSWORD },
    }));
    await server.deploy('keeps', tasks);
    await server.ask('POST', `${pipelinePath('keeps')}/secrets`, { key: 'token', content: TOKEN, force: false });
    const running = server.run('keeps', 60);
    // All of them are there, with their secrets, and so is their supervisor.
    await expect.poll(async () => (await readdir(told)).length, { timeout: 50_000 }).toBe(tasks.length);
    for (const line of await commandLines()) seen.add(line);
    for (const environment of await environmentsOf(`gofer-supervisor ${join(server.directory, 'gofer')}`)) supervisor.add(environment);
    await writeFile(looked, '');
    const run = await running;
    expect(run.status).toBe('successful');
    expect((await server.rawLog('keeps', run.run_id, 't0')).toString()).toBe('given\n');

    for (const name of await readdir(told)) secrets.push(await readFile(join(told, name), 'utf8'));
    expect(new Set(secrets).size).toBe(SECRETS.length + tasks.length);
    expect(secrets).not.toContain('');
  } finally {
    over.abort();
    await watching;
    await server.close();
  }
  expect(supervisor.size).toBeGreaterThan(0);
  expect([...supervisor].filter((environment) => secrets.some((secret) => environment.includes(secret)))).toEqual([]);
  const lines = [...seen];
  for (const expected of ['gofer-supervisor', 'test -n "$TOKEN"', 'service start']) {
    expect(lines).toContainEqual(expect.stringContaining(expected));
  }
  expect(lines.filter((line) => secrets.some((secret) => line.includes(secret)))).toEqual([]);
});
