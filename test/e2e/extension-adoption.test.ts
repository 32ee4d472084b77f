/** An extension in a container over a server that is killed: it runs on, the next server goes on with it, and no start is lost or made twice. */
import type { Extension, Run, Subscription } from '@gofer/contracts/api';
import { expect, it } from 'vitest';
import { describeDocker } from '../backends/docker-engine.ts';
import { ExtensionImages } from '../backends/extension-image.ts';
import { freePort } from '../clients/free-port.ts';
import { GoferServer, pipelinePath } from './gofer-server.ts';

const SOON = { timeout: 60_000, interval: 200 };

await describeDocker('an extension in a container', (docker) => {
  it('outlives its server, starts runs for the next one, and ends with that', { timeout: 180_000 }, async () => {
    const images = new ExtensionImages(docker);
    const image = await images.bundled('interval');
    // What an extension was told of its server must still hold, or it is replaced.
    const server = await GoferServer.start('docker', { port: await freePort() });
    const containers = async (): Promise<string[]> => {
      const filters = encodeURIComponent(JSON.stringify({ ancestor: [image] }));
      return ((await docker.call('GET', `/containers/json?filters=${filters}`)) as { Id: string }[]).map(({ Id }) => Id);
    };
    const runs = async () => (await server.ask<{ runs: Run[] }>('GET', `${pipelinePath('beaten')}/runs?limit=200`)).runs;
    const state = async () => (await server.ask<{ extension: Extension }>('GET', '/api/extensions/beat')).extension;
    try {
      // What becomes of its runs is of no interest.
      await server.deploy('beaten', [{ id: 'one', image: 'gofer-test/none:latest', command: ['true'] }]);
      await server.ask('POST', '/api/extensions?wait=60', { id: 'beat', image, settings: { MIN_DURATION: '1s' } });
      const subscriptions = `${pipelinePath('beaten')}/subscriptions`;
      await server.ask('POST', subscriptions, { extension_id: 'beat', subscription_id: 'test', settings: { every: '2s' } });
      await expect.poll(async () => (await runs()).length, SOON).toBeGreaterThan(0);
      const [before, started] = [await containers(), (await state()).started];
      expect(before).toHaveLength(1);
      await server.end('SIGKILL');
      expect(await containers()).toEqual(before);
      await server.begin();
      await expect.poll(async () => (await state()).state, SOON).toBe('running');
      expect(await containers()).toEqual(before);
      expect(await state()).toMatchObject({ restarts: 0, health: 'healthy' });
      expect(Math.abs((await state()).started - started)).toBeLessThan(60_000);
      const known = (await server.ask<{ subscriptions: Subscription[] }>('GET', subscriptions)).subscriptions;
      expect(known).toMatchObject([{ subscription_id: 'test', status: 'active' }]);
      const sofar = (await runs()).length;
      await expect.poll(async () => (await runs()).length, SOON).toBeGreaterThan(sofar);
      const ticks = (await runs()).flatMap(({ variables }) =>
        variables.filter(({ key }) => key === 'GOFER_EXTENSION_INTERVAL_TICK').map(({ value }) => value),
      );
      expect(ticks.length).toBeGreaterThan(sofar);
      expect(new Set(ticks).size).toBe(ticks.length);
      await server.end('SIGTERM');
      expect(await containers()).toEqual([]);
    } finally {
      await server.close();
      await images.remove();
    }
  });
});
