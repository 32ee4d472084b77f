/** An extension of v0, in its container, is served as v0 served it, and survives what v0's did not. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Role, Token } from '@gofer/contracts/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeDocker } from '../backends/docker-engine.ts';
import { ExtensionImages } from '../backends/extension-image.ts';
import { freePort } from '../clients/free-port.ts';
import { eventsAddress, extensionOf, install, runsOf, subscribe, subscriptionsOf, TAKES_EVENTS, untilRunning } from './extension-steps.ts';
import { GoferServer, pipelinePath } from './gofer-server.ts';
import { until } from './leftovers.ts';

const SETTINGS = [...TAKES_EVENTS, 'extensions.health_interval=1s', 'extensions.stop_timeout=5s'];

interface Container {
  readonly Id: string;
  readonly Image: string;
  readonly State: string;
}

await describeDocker('an extension of v0', (docker) => {
  const images = new ExtensionImages(docker);
  let image = '';
  let server: GoferServer;
  beforeAll(async () => {
    image = await images.of('veteran', await readFile(join(import.meta.dirname, 'v0-extension.mjs'), 'utf8'));
    // The next server is reached where this one was, or what runs of it is of no use to that.
    server = await GoferServer.start('docker', { settings: SETTINGS, port: await freePort() });
    await server.deploy('often', [{ id: 'one', command: ['true'] }]);
  });
  afterAll(async () => {
    try {
      await server.close();
    } finally {
      await images.remove();
    }
  });

  async function containers(): Promise<readonly Container[]> {
    const all = (await docker.call('GET', '/containers/json?all=1')) as readonly Container[];
    return all.filter(({ Image }) => Image === image);
  }
  async function onlyContainer(): Promise<Container> {
    const [only, ...others] = await containers();
    if (only === undefined || others.length > 0) throw new Error(`there is to be one container, not ${others.length + (only ? 1 : 0)}`);
    return only;
  }
  async function untilMoreRuns(): Promise<void> {
    const { length } = await runsOf(server, 'often');
    await until('further runs', async () => (await runsOf(server, 'often')).length >= length + 2);
  }
  async function debug(): Promise<unknown> {
    return JSON.parse((await server.ask<{ info: string }>('GET', '/api/extensions/veteran/debug')).info);
  }

  it('is installed, tells of itself, and refuses in its own words', async () => {
    expect(await install(server, 'veteran', image, { MIN_INTERVAL: '1s' })).toMatchObject({
      state: 'running',
      health: 'healthy',
      engine: 'docker',
      documentation: { body: 'As in v0.', pipeline_subscription_params: [{ key: 'every', required: true }] },
    });
    const wrong = { extension_id: 'veteran', subscription_id: 'tick', settings: { every: 'often' } };
    expect(await server.refusal('POST', `${pipelinePath('often')}/subscriptions`, wrong)).toMatchObject({
      status: 400,
      message: expect.stringContaining('time: invalid duration "often"'),
    });
    expect(await subscriptionsOf(server, 'often')).toEqual([]);
  });

  it('starts runs, without variables and under its own name', async () => {
    await subscribe(server, 'often', 'veteran', 'tick', { every: '1s' });
    await untilMoreRuns();
    const [first] = await runsOf(server, 'often');
    expect(first).toMatchObject({ initiator: { user: 'veteran (extension)' }, variables: [] });
  });

  it('takes an event as an array of numbers', async () => {
    const body = JSON.stringify({ text: 'Grüße' });
    const answer = await fetch(`${eventsAddress(server)}/events/veteran`, { method: 'POST', headers: { 'X-Kind': 'greeting' }, body });
    expect(answer.status).toBe(204);
    await expect.poll(debug).toMatchObject({ subscriptions: 1, events: [{ headers: expect.arrayContaining(['x-kind']), body }] });
  });

  it('is started again when it crashes, with its subscriptions', async () => {
    const { Id } = await onlyContainer();
    await docker.call('POST', `/containers/${Id}/kill?signal=SIGKILL`);
    await until('another container', async () => (await containers()).some((other) => other.Id !== Id && other.State === 'running'));
    await untilRunning(server, 'veteran');
    expect(await extensionOf(server, 'veteran')).toMatchObject({
      restarts: 1,
      last_error: { message: expect.stringContaining('it ended with exit code 137') },
    });
    expect(await debug()).toMatchObject({ subscriptions: 1 });
    await untilMoreRuns();
    await until('the removal of the first', async () => (await containers()).length === 1);
  });

  it('outlives a server that is killed, and is taken up by the next', async () => {
    const { Id } = await onlyContainer();
    await server.end('SIGKILL');
    expect(await onlyContainer()).toMatchObject({ Id, State: 'running' });
    await server.begin();
    await untilRunning(server, 'veteran');
    expect(await onlyContainer()).toMatchObject({ Id, State: 'running' });
    await untilMoreRuns();
  });

  it('ends its subscriptions, also one that it does not know', async () => {
    await server.ask('PATCH', `${pipelinePath('often')}/subscriptions/veteran/tick`, { status: 'disabled' });
    await expect.poll(debug).toMatchObject({ subscriptions: 0 });
    await server.ask('DELETE', `${pipelinePath('often')}/subscriptions/veteran/tick`);
    expect(await subscriptionsOf(server, 'often')).toEqual([]);
    await subscribe(server, 'often', 'veteran', 'tick', { every: '1s' });
    expect(await debug()).toMatchObject({ subscriptions: 1 });
    await server.ask('DELETE', `${pipelinePath('often')}/subscriptions/veteran/tick`);
    await expect.poll(debug).toMatchObject({ subscriptions: 0 });
  });

  it('is ended by a server that ends, though it does not end by itself, and begins with the next', async () => {
    expect(await server.end('SIGTERM')).toBe(0);
    expect(await containers()).toEqual([]);
    await server.begin();
    await untilRunning(server, 'veteran');
    expect(await onlyContainer()).toMatchObject({ State: 'running' });
  });

  it('leaves nothing of itself when it is uninstalled', async () => {
    const of = async () => ({
      tokens: (await server.ask<{ tokens: Token[] }>('GET', '/api/tokens')).tokens.filter(({ user }) => user.startsWith('veteran')),
      roles: (await server.ask<{ roles: Role[] }>('GET', '/api/roles')).roles.filter(({ id }) => id.includes('veteran')),
    });
    expect(await of()).toMatchObject({ tokens: [{ user: 'veteran (extension)' }], roles: [{ id: 'extension_veteran' }] });
    await server.ask('DELETE', '/api/extensions/veteran');
    await until('the removal of its container', async () => (await containers()).length === 0);
    expect(await of()).toEqual({ tokens: [], roles: [] });
    expect(await server.refusal('GET', '/api/extensions/veteran')).toMatchObject({ status: 404 });
  });
});
