/** Extensions that mean no good, all at once: each is told apart by what it does, and nobody else has to suffer. */
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeDocker } from '../backends/docker-engine.ts';
import { ExtensionImages } from '../backends/extension-image.ts';
import { extensionOf, install, runsOf, subscribe, untilRunning } from './extension-steps.ts';
import { GoferServer, pipelinePath } from './gofer-server.ts';
import { containersOf, until } from './leftovers.ts';
import { type Held, INSPECTED, ServerHeap } from './server-heap.ts';

const MIB = 1024 * 1024;
const SOON = { timeout: 50_000, interval: 200 };
const RUNS_PER_MINUTE = 120;
/** Of one start; as many are kept of an extension, and the one that runs. */
const LOG_BYTES = MIB;
const STARTS = 6;
/** Of requests with another token. */
const PROBES = 50;
/** While one of them is answered, the flood of 16 requests at once may have so many answers: many times its fair share. */
const ANSWERS_A_PROBE = 400;
const SETTINGS = [
  'extensions.request_timeout=3s',
  'extensions.start_timeout=5s',
  'extensions.health_interval=1s',
  'extensions.stop_timeout=2s',
  'extensions.longest_restart_delay=5s',
  `extensions.runs_per_minute=${RUNS_PER_MINUTE}`,
  'scheduler.max_running_tasks=4',
  `extensions.max_log_size=${LOG_BYTES}`,
];

/** What is shown of those that never run, and of what goes wrong with them. */
const FAULTS = {
  silent: /not healthy within 5 s \(extensions\.start_timeout\).*did not answer within 3 s/,
  endless: /answer is larger than/,
  nonsense: /info.*JSON/,
  redirecting: /307, a redirect/,
  mute: /api\/info.*did not answer within 3 s/,
  crashing: /ended with exit code 3/,
} as const;

/** Of all files in a folder. */
function bytesIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((file) =>
    statSync(join(folder, file), { throwIfNoEntry: false }),
  );
  return files.reduce((sum, file) => sum + (file?.isFile() === true ? file.size : 0), 0);
}

await describeDocker('hostile extensions', (docker) => {
  const images = new ExtensionImages(docker);
  const elsewhere: string[] = [];
  let image = '';
  let trap: Server;
  let server: GoferServer;
  let heap: ServerHeap;
  let before: Held;
  beforeAll(async () => {
    image = await images.of('hostile', await readFile(join(import.meta.dirname, 'hostile-extension.mjs'), 'utf8'));
    trap = createServer((request, response) => {
      elsewhere.push(JSON.stringify([request.url, request.headers]));
      response.writeHead(204).end();
    }).listen(0, '127.0.0.1');
    await once(trap, 'listening');
    server = await GoferServer.start('docker', { settings: SETTINGS, env: INSPECTED });
    heap = await ServerHeap.of(server);
    await server.deploy('normal', [{ id: 'one', command: ['true'] }]);
    await server.deploy('often', [{ id: 'one', command: ['true'] }], 1, { concurrency: 'cancel_newest' });
    await server.deploy('flooded', [{ id: 'one', command: ['sleep', '1000'] }], 1);
    expect(await server.run('normal', 60)).toMatchObject({ status: 'successful' });
    await install(server, 'interval', 'builtin:interval', { MIN_DURATION: '1s' });
    await subscribe(server, 'often', 'interval', 'each-second', { every: '1s' });
    expect(await install(server, 'good', image, { BEHAVIOUR: 'good' })).toMatchObject({ state: 'running' });
    before = await heap.measure();
    const address = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`;
    for (const behaviour of [...Object.keys(FAULTS), 'deaf', 'chatting']) {
      await install(server, behaviour, image, { BEHAVIOUR: behaviour, ELSEWHERE: address }, 0);
    }
  });
  afterAll(async () => {
    heap?.close();
    trap?.close();
    try {
      await server?.close();
    } finally {
      await images.remove();
    }
  });

  it.each(Object.entries(FAULTS))('of a %s one it is told what is wrong with it', async (behaviour, fault) => {
    await expect.poll(async () => (await extensionOf(server, behaviour)).last_error?.message, SOON).toMatch(fault);
    expect((await extensionOf(server, behaviour)).state).not.toBe('running');
  });

  it('one that is redirecting is not followed, and its key stays with it', async () => {
    expect(elsewhere).toEqual([]);
  });

  it('one that crashes is started again and again, and its log says why', async () => {
    await expect.poll(async () => (await extensionOf(server, 'crashing')).restarts, SOON).toBeGreaterThanOrEqual(2);
    const log = await server.socket('/api/extensions/crashing/logs');
    const said = () => log.frames.join('');
    await expect.poll(said, SOON).toMatch(/started again: it ended with exit code 3(.|\n)*the last words of it/);
    log.socket.terminate();
  });

  it('one that takes no subscription has the subscriber told, and holds up nobody', async () => {
    await untilRunning(server, 'deaf');
    const body = { extension_id: 'deaf', subscription_id: 'one', settings: {} };
    const refused = server.refusal('POST', `${pipelinePath('normal')}/subscriptions`, body);
    await subscribe(server, 'often', 'good', 'one', {});
    expect(await refused).toMatchObject({ status: 503, message: expect.stringContaining('did not answer within 3 s') });
  });

  it('one that floods the server with runs starts so many as it may, while others are served and the rest goes on', {
    timeout: 120_000,
  }, async () => {
    const settings = { BEHAVIOUR: 'flooding', PIPELINE: 'flooded' };
    await install(server, 'flooding', image, settings);
    await subscribe(server, 'flooded', 'flooding', 'one', {});
    const report = async () =>
      JSON.parse((await server.ask<{ info: string }>('GET', '/api/extensions/flooding/debug')).info) as Record<string, number>;
    const totalOf = (answers: Record<string, number>) => Object.values(answers).reduce((sum, count) => sum + count, 0);
    await expect.poll(report, SOON).toMatchObject({ 201: expect.any(Number), 429: expect.any(Number) });
    const began = await report();
    for (let probe = 0; probe < PROBES; probe += 1) await extensionOf(server, 'good');
    expect(totalOf(await report()) - totalOf(began)).toBeLessThan(PROBES * ANSWERS_A_PROBE);
    expect(await server.run('normal', 60)).toMatchObject({ status: 'successful' });
    const ticks = (await runsOf(server, 'often')).length;
    await until('further ticks', async () => (await runsOf(server, 'often')).length >= ticks + 2);
    const ended = await report();
    expect(ended['429'] ?? 0).toBeGreaterThan(began['429'] ?? 0);
    expect((await runsOf(server, 'flooded')).length).toBe(ended['201']);
    await server.ask('PATCH', '/api/extensions/flooding', { enable: false });
  });

  it('one that logs without end fills no memory, nor do the others', async () => {
    await untilRunning(server, 'chatting');
    const log = await server.socket('/api/extensions/chatting/logs?tail=1');
    await until('much of what it says', () => log.frames.length > 2000);
    log.socket.terminate();
    const after = await heap.measure();
    expect(after.heap - before.heap).toBeLessThan(48 * MIB);
    expect(after.resident - before.resident).toBeLessThan(256 * MIB);
  });

  it('one that logs without end fills no disk: neither its log grows nor what its engine keeps, and its reader is told', async () => {
    const log = await server.socket('/api/extensions/chatting/logs');
    const isSaid = (what: string) => () => log.frames.some((frame) => frame.includes(what));
    await expect.poll(isSaid('it wrote more than 16777216 bytes since its start'), SOON).toBe(true);
    log.socket.terminate();
    const firstLine = async (): Promise<string> => {
      const now = await server.socket('/api/extensions/chatting/logs');
      await until('a line', () => now.frames.length > 0);
      now.socket.terminate();
      return now.frames[0] ?? '';
    };
    await expect
      .poll(firstLine, SOON)
      .toMatch(/lines were dropped here: this log is kept to the last 1048576 bytes \(extensions\.max_log_size\)/);
    // What comes at once may be more than that, by as much as may be on its way.
    expect(bytesIn(join(server.directory, 'gofer', 'logs'))).toBeLessThan(STARTS * LOG_BYTES + 16 * MIB);
  });

  it('leave nothing when they are uninstalled', async () => {
    const all = [...Object.keys(FAULTS), 'deaf', 'chatting', 'flooding', 'good'];
    await Promise.all(all.map((id) => server.ask('DELETE', `/api/extensions/${id}`)));
    await server.ask('DELETE', '/api/extensions/interval');
    const attempts: string[] = [];
    for (const pipeline of ['normal', 'often', 'flooded']) {
      for (const { run_id } of await runsOf(server, pipeline)) {
        attempts.push(...(await server.tasks(pipeline, run_id)).flatMap((task) => task.attempts ?? []).map(({ id }) => id));
      }
      await server.ask('DELETE', pipelinePath(pipeline));
    }
    const own = async () => {
      const listed = (await docker.call('GET', '/containers/json?all=1')) as readonly { Id: string; Image: string }[];
      return listed.filter(({ Image }) => Image === image).map(({ Id }) => Id);
    };
    await expect.poll(async () => [...(await own()), ...(await containersOf(docker, attempts))], SOON).toEqual([]);
  });
});
