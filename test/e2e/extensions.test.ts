/**
 * The documented extensions from one end to the other, as they come with the server and as containers: something happens, and a run of the
 * subscribed pipeline is started that is told what.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createRequire } from 'node:module';
import type { WebhookDefinition } from '@octokit/webhooks-examples';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDocker } from '../backends/docker-engine.ts';
import { ExtensionImages } from '../backends/extension-image.ts';
import {
  deliveryOf,
  extensionOf,
  install,
  runsOf,
  sendGithubEvent,
  subscribe,
  TAKES_EVENTS,
  untilRunning,
  variableOf,
} from './extension-steps.ts';
import { GoferServer, pipelinePath } from './gofer-server.ts';
import { containersOf, until } from './leftovers.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const WEBHOOK_SECRET = '0c7d9e54b1f24c0e8a';
const PIPELINES = ['often', 'minutely', 'pushed'] as const;
const TIMETABLE = '/api/extensions/cron/objects/timetable';

type PushEvent = WebhookDefinition<'push'>['examples'][number];

/** Prints what its run was told. */
const TELLS = { id: 'tells', script: 'env | grep ^GOFER_EXTENSION_ | sort' };

/** What the extension cron keeps of its subscriptions. */
interface Timetable {
  readonly version: 1;
  readonly subscriptions: Readonly<Record<string, { readonly schedule: string; readonly since: number; readonly position: number }>>;
}

function githubSettings(): Readonly<Record<string, string>> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = Buffer.from(privateKey.export({ type: 'pkcs1', format: 'pem' })).toString('base64');
  return { APP_ID: '112348', APP_INSTALLATION: '99560091', APP_KEY: key, APP_WEBHOOK_SECRET: WEBHOOK_SECRET };
}

/** A push as GitHub has really sent it, with a commit. */
function realPush(): PushEvent {
  const definitions = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly WebhookDefinition[];
  const pushes = definitions.find(({ name }) => name === 'push')?.examples as readonly PushEvent[];
  const found = pushes.find(({ head_commit, deleted }) => head_commit !== null && !deleted);
  if (found === undefined) throw new Error('there is no example of a push with a commit');
  return found;
}

/** By the name of a variable, as the task of the run saw them. */
async function told(server: GoferServer, pipeline: string, run: number): Promise<Readonly<Record<string, string>>> {
  expect(await server.getRun(pipeline, run, 60)).toMatchObject({ status: 'successful' });
  const lines = (await server.rawLog(pipeline, run, TELLS.id)).toString().trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** On a server where the three run. */
function theyWork(enter: () => { readonly server: GoferServer }): void {
  it('interval runs a pipeline again and again, the same time between its ticks', async () => {
    const { server } = enter();
    await server.deploy('often', [TELLS]);
    await subscribe(server, 'often', 'interval', 'each-second', { every: '1s' });
    await until('three runs', async () => (await runsOf(server, 'often')).length >= 3);
    const runs = (await runsOf(server, 'often')).slice(0, 3);
    const ticks = runs.map((run) => Date.parse(variableOf(run, 'GOFER_EXTENSION_INTERVAL_TICK') ?? ''));
    await server.ask('DELETE', `${pipelinePath('often')}/subscriptions/interval/each-second`);
    const [first = 0] = ticks;
    expect(ticks).toEqual([first, first + SECOND, first + 2 * SECOND]);
    expect(runs[0]).toMatchObject({ initiator: { user: 'interval (extension)' } });
    expect(await told(server, 'often', 1)).toEqual({
      GOFER_EXTENSION_INTERVAL_TICK: new Date(first).toISOString(),
      GOFER_EXTENSION_INTERVAL_SUBSCRIPTION: 'each-second',
      GOFER_EXTENSION_INTERVAL_EVERY: '1s',
    });
  });

  // A minute is long: the clock of the subscription is set back by minutes that it then makes up for, tick by tick.
  it('cron runs a pipeline at each time that its expression names, also those that passed while it was away', async () => {
    const { server } = enter();
    await server.deploy('minutely', [TELLS]);
    await subscribe(server, 'minutely', 'cron', 'each-minute', { expression: '* * * * * *', catch_up: 'all' });
    await server.ask('PATCH', '/api/extensions/cron', { enable: false });
    await until('its end', async () => (await extensionOf(server, 'cron')).state === 'exited');
    const kept = (await server.call('GET', TIMETABLE)).json() as Timetable;
    const [[name, entry] = []] = Object.entries(kept.subscriptions);
    if (name === undefined || entry === undefined) return expect.unreachable('it keeps how far it is');
    const away = Math.floor(Date.now() / MINUTE) * MINUTE - 4 * MINUTE;
    const earlier = { ...kept, subscriptions: { [name]: { ...entry, since: away, position: away } } };
    expect((await server.call('POST', `${TIMETABLE}?force=true`, Buffer.from(JSON.stringify(earlier)))).status).toBe(201);
    await server.ask('PATCH', '/api/extensions/cron', { enable: true });
    await untilRunning(server, 'cron');
    await until('the runs of the last minutes', async () => (await runsOf(server, 'minutely')).length >= 4);
    // A minute that has passed since may have its run already.
    const runs = (await runsOf(server, 'minutely')).filter(({ started }) => started > away);
    const ticks = runs.map((run) => Date.parse(variableOf(run, 'GOFER_EXTENSION_CRON_TICK') ?? ''));
    const due = Array.from({ length: ticks.length }, (_, index) => away + (index + 1) * MINUTE);
    expect(ticks).toEqual(due);
    expect(await told(server, 'minutely', 1)).toEqual({
      GOFER_EXTENSION_CRON_TICK: new Date(away + MINUTE).toISOString().replace('.000', ''),
      GOFER_EXTENSION_CRON_SUBSCRIPTION: 'each-minute',
      GOFER_EXTENSION_CRON_EXPRESSION: '* * * * * *',
    });
  });

  it('github runs a pipeline for a push of its repository that GitHub has signed, and for no other', async () => {
    const { server } = enter();
    const push = realPush();
    await server.deploy('pushed', [TELLS]);
    await subscribe(server, 'pushed', 'github', 'main', { repository: push.repository.full_name, event_filter: 'push' });
    const forged = await sendGithubEvent(server, 'another secret', 'push', push);
    await until('its refusal', async () => (await deliveryOf(server, 'github', forged)).state === 'refused');
    const other = { ...push, repository: { ...push.repository, full_name: 'someone/else' } };
    const strange = await sendGithubEvent(server, WEBHOOK_SECRET, 'push', other);
    await until('its delivery', async () => (await deliveryOf(server, 'github', strange)).state === 'delivered');
    const real = await sendGithubEvent(server, WEBHOOK_SECRET, 'push', push);
    await until('its delivery', async () => (await deliveryOf(server, 'github', real)).state === 'delivered');
    expect(await runsOf(server, 'pushed')).toHaveLength(1);
    const { head_commit: commit } = push;
    expect(await told(server, 'pushed', 1)).toEqual({
      GOFER_EXTENSION_GITHUB_EVENT: 'push',
      GOFER_EXTENSION_GITHUB_ACTION: '',
      GOFER_EXTENSION_GITHUB_REPOSITORY: push.repository.full_name,
      GOFER_EXTENSION_GITHUB_REF: push.ref,
      GOFER_EXTENSION_GITHUB_HEAD_COMMIT_ID: commit?.id,
      GOFER_EXTENSION_GITHUB_HEAD_COMMIT_AUTHOR_NAME: commit?.author.name,
      GOFER_EXTENSION_GITHUB_HEAD_COMMIT_AUTHOR_EMAIL: commit?.author.email,
      GOFER_EXTENSION_GITHUB_HEAD_COMMIT_AUTHOR_USERNAME: commit?.author.username ?? '',
      GOFER_EXTENSION_GITHUB_HEAD_COMMIT_COMMITTER_NAME: commit?.committer.name,
      GOFER_EXTENSION_GITHUB_HEAD_COMMIT_COMMITTER_EMAIL: commit?.committer.email ?? '',
      GOFER_EXTENSION_GITHUB_HEAD_COMMIT_COMMITTER_USERNAME: commit?.committer.username ?? '',
    });
  });
}

describe('the documented extensions, as they come with the server', () => {
  let server: GoferServer;
  beforeAll(async () => {
    server = await GoferServer.start('process', { settings: [...TAKES_EVENTS, 'extensions.install_std_extensions=true'] });
    await server.ask('PATCH', '/api/extensions/interval', { settings: { MIN_DURATION: '1s' } });
    for (const id of ['cron', 'interval']) await untilRunning(server, id);
    expect(await install(server, 'github', 'builtin:github', githubSettings())).toMatchObject({ state: 'running', engine: 'builtin' });
  });
  afterAll(() => server.close());

  theyWork(() => ({ server }));
});

await describeDocker('the documented extensions, as containers', (docker) => {
  const images = new ExtensionImages(docker);
  let server: GoferServer;
  beforeAll(async () => {
    server = await GoferServer.start('docker', { settings: TAKES_EVENTS });
    const settings = { cron: {}, interval: { MIN_DURATION: '1s' }, github: githubSettings() };
    for (const [id, each] of Object.entries(settings)) {
      expect(await install(server, id, await images.bundled(id), each)).toMatchObject({ state: 'running', engine: 'docker' });
    }
  });
  afterAll(async () => {
    try {
      const attempts: string[] = [];
      for (const pipeline of PIPELINES) {
        for (const { run_id } of await runsOf(server, pipeline)) {
          const { state } = await server.getRun(pipeline, run_id, 60);
          expect(state).toBe('complete');
          attempts.push(...(await server.tasks(pipeline, run_id)).flatMap((task) => task.attempts ?? []).map(({ id }) => id));
        }
      }
      await until('the removal of their containers', async () => (await containersOf(docker, attempts)).length === 0);
      await server.close();
    } finally {
      await images.remove();
    }
  });

  theyWork(() => ({ server }));

  it('serve TLS where they are told to, and are known by their certificate', { timeout: 120_000 }, async () => {
    const settings = ['extensions.use_tls=true', 'extensions.verify_certs=true', 'development.use_included_certs=true'];
    const secure = await GoferServer.start('docker', { settings });
    try {
      const image = await images.bundled('interval');
      const { state, url } = await install(secure, 'interval', image, { MIN_DURATION: '1s' });
      expect({ state, url }).toEqual({ state: 'running', url: expect.stringMatching(/^https:/) });
      await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow('fetch failed');
      await secure.deploy('secured', [{ id: 'one', image: 'gofer-test/none:latest', command: ['true'] }]);
      await subscribe(secure, 'secured', 'interval', 'tick', { every: '1s' });
      await until('a run of the extension', async () => (await runsOf(secure, 'secured')).length > 0);
      await secure.ask('DELETE', '/api/extensions/interval');
    } finally {
      await secure.close();
    }
  });
});
