/** Events from outside over a real server that is killed: whatever its sender has an answer to starts its run, if need be by the next one. */
import { createHmac } from 'node:crypto';
import type { Delivery, Run } from '@gofer/contracts/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GoferServer, pipelinePath } from './gofer-server.ts';

const EVENTS = 30;
const SECRET = 'a secret of this test';
const SOON = { timeout: 60_000, interval: 100 };
const DELIVERIES = '/api/extensions/webhook/deliveries';

let server: GoferServer;
beforeAll(async () => {
  const settings = ['external_events.bind_address=127.0.0.1:0', 'development.pretty_logging=false'];
  server = await GoferServer.start('fake', { settings });
  await server.deploy('hooked', [{ id: 'one', command: ['true'] }]);
  await server.ask('POST', '/api/extensions?wait=60', { id: 'webhook', image: 'builtin:webhook', settings: {} });
  const settingsOfIt = { secret: SECRET, variables: 'ROUND!=round' };
  const subscription = { extension_id: 'webhook', subscription_id: 'test', settings: settingsOfIt };
  await server.ask('POST', `${pipelinePath('hooked')}/subscriptions`, subscription);
});
afterAll(() => server.close());

/** Where the server that runs now takes events. */
function address(): string {
  const found = server.log.flatMap((line) => /"externalEvents":"([^"]+)"/.exec(line)?.[1] ?? []).at(-1);
  if (found === undefined) throw new Error(`the server says of no address:\n${server.log.join('\n')}`);
  return found;
}

async function send(round: string, secret = SECRET): Promise<string> {
  const body = JSON.stringify({ round });
  const time = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  const answer = await fetch(`${address()}/events/webhook`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-gofer-webhook': 'default/hooked/test',
      'x-gofer-timestamp': time,
      'x-gofer-signature-256': `sha256=${signature}`,
    },
    body,
  });
  expect(answer.status).toBe(204);
  return answer.headers.get('gofer-delivery-id') ?? '';
}

async function rounds(): Promise<string[]> {
  const { runs } = await server.ask<{ runs: Run[] }>('GET', `${pipelinePath('hooked')}/runs?limit=200`);
  return runs.flatMap(({ variables }) => variables.filter(({ key }) => key === 'ROUND').map(({ value }) => value)).sort();
}

it('start their runs, also where the server is killed right behind the last answer', async () => {
  const sent = Array.from({ length: EVENTS }, (_, round) => `round ${round}`);
  await Promise.all(sent.map((round) => send(round)));
  await server.end('SIGKILL');
  await server.begin();
  await expect.poll(async () => new Set(await rounds()), SOON).toEqual(new Set(sent));
  await expect
    .poll(async () => (await server.ask<{ deliveries: Delivery[] }>('GET', `${DELIVERIES}?state=pending`)).deliveries, SOON)
    .toEqual([]);
  // One whose answer was lost in the crash comes again; the extension knows it by its signature.
  expect(await rounds()).toEqual([...sent].sort());
});

it('that their extension refuses start none, and say why', async () => {
  const id = await send('forged', 'another secret');
  const read = async () => (await server.ask<{ delivery: Delivery }>('GET', `${DELIVERIES}/${id}`)).delivery;
  await expect.poll(async () => (await read()).state, SOON).toBe('refused');
  expect(await read()).toMatchObject({
    attempts: 1,
    message: expect.stringMatching(/./),
    headers: { 'x-gofer-webhook': 'default/hooked/test' },
  });
  expect(await rounds()).not.toContain('forged');
});
