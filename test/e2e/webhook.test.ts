/** The extension webhook, by the very commands that its own documentation shows: the command gofer, openssl and curl. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventsAddress, extensionOf, install, runsOf, TAKES_EVENTS } from './extension-steps.ts';
import { GOFER, GoferServer, pipelinePath } from './gofer-server.ts';
import { until } from './leftovers.ts';

const run = promisify(execFile);
const SECRET = '2f9d8a1c6b7e4053a1c2d3e4f5061728';

let server: GoferServer;
let blocks: readonly string[] = [];
beforeAll(async () => {
  server = await GoferServer.start('process', { settings: TAKES_EVENTS });
  await server.deploy('simple', [{ id: 'tells', script: 'echo "$VERSION in $REGION"' }]);
  // For its documentation; the commands install it anew.
  await install(server, 'webhook', 'builtin:webhook');
  const { body } = (await extensionOf(server, 'webhook')).documentation;
  await server.ask('DELETE', '/api/extensions/webhook');
  blocks = [...body.matchAll(/^```\n(.*?)^```$/gms)].map(([, text = '']) => text);
});
afterAll(() => server.close());

/** What stands for something else in the documentation is given its value. */
async function shell(text: string | undefined, values: Readonly<Record<string, string>>): Promise<void> {
  let script = text ?? '';
  for (const [placeholder, value] of Object.entries(values)) {
    expect(script).toContain(placeholder);
    script = script.replace(placeholder, value);
  }
  const env = { PATH: process.env['PATH'], HOME: server.directory, GOFER_API_BASE_URL: server.url };
  const command = `gofer() { "${process.execPath}" "${GOFER}" "$@"; }`;
  await run('bash', ['-euc', `${command}\n${script}`], { cwd: server.directory, env });
}

it('starts runs with what a signed call says, and with nothing else', async () => {
  const [install, call] = blocks;
  await shell(install, { '$(openssl rand -hex 32)': SECRET });
  const sent = { 'SECRET=...': `SECRET=${SECRET}`, 'https://gofer.example.com': eventsAddress(server) };
  await shell(call, sent);
  await until('its run', async () => (await runsOf(server, 'simple')).length > 0);
  expect(await server.getRun('simple', 1, 60)).toMatchObject({ status: 'successful' });
  expect((await server.rawLog('simple', 1, 'tells')).toString()).toBe('1.2.0 in eu\n');
  // Another channel is not what is waited for; another secret is not this one's.
  await shell(call, { ...sent, '"channel":"stable"': '"channel":"beta"' });
  await shell(call, { ...sent, 'SECRET=...': 'SECRET=another' });
  const states = async () => {
    const { deliveries } = await server.ask<{ deliveries: { state: string }[] }>('GET', '/api/extensions/webhook/deliveries');
    return deliveries.map(({ state }) => state).toSorted();
  };
  await expect.poll(states, { timeout: 30_000 }).toEqual(['delivered', 'delivered', 'refused']);
  expect(await runsOf(server, 'simple')).toHaveLength(1);
  const kept = JSON.stringify(await server.ask('GET', `${pipelinePath('simple')}/subscriptions`));
  expect(kept).toContain('pipeline_secret{{webhook_secret}}');
  expect(kept).not.toContain(SECRET);
});
