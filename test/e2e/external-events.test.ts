/** Events from outside over a real server that is killed: whatever its sender has an answer to starts its run, if need be by the next one. */
import { createHmac } from 'node:crypto';
import type { Delivery } from '@gofer/contracts/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deliveryOf, eventsAddress, install, runsOf, subscribe, TAKES_EVENTS, variableOf } from './extension-steps.ts';
import { GoferServer } from './gofer-server.ts';

const EVENTS = 30;
const SECRET = 'a secret of this test';
const SOON = { timeout: 60_000, interval: 100 };
const DELIVERIES = '/api/extensions/webhook/deliveries';

let server: GoferServer;
beforeAll(async () => {
  server = await GoferServer.start('fake', { settings: TAKES_EVENTS });
  await server.deploy('hooked', [{ id: 'one', command: ['true'] }]);
  await install(server, 'webhook', 'builtin:webhook');
  await subscribe(server, 'hooked', 'webhook', 'test', { secret: SECRET, variables: 'ROUND!=round' });
});
afterAll(() => server.close());

async function send(round: string, secret = SECRET): Promise<string> {
  const body = JSON.stringify({ round });
  const time = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  const answer = await fetch(`${eventsAddress(server)}/events/webhook`, {
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
  return (await runsOf(server, 'hooked')).map((run) => variableOf(run, 'ROUND') ?? '').sort();
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
  const read = () => deliveryOf(server, 'webhook', id);
  await expect.poll(async () => (await read()).state, SOON).toBe('refused');
  expect(await read()).toMatchObject({
    attempts: 1,
    message: expect.stringMatching(/./),
    headers: { 'x-gofer-webhook': 'default/hooked/test' },
  });
  expect(await rounds()).not.toContain('forged');
});
