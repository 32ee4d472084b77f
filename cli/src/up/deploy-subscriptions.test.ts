/** What becomes of subscriptions where an earlier version is made live again, against a real server and the extensions that come with it. */
import type { Subscription } from '@gofer/contracts/api';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GoferClient } from '../api/gofer-client.ts';
import { type Outcome, runInProcess } from '../testing/run-in-process.ts';
import { SIMPLE } from '../testing/sample-pipeline.ts';
import { type ScriptedAnswer, type ScriptedServer, startScriptedServer } from '../testing/scripted-server.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const cron = (subscription_id: string, expression: string) => ({ extension_id: 'cron', subscription_id, settings: { expression } });

describe('gofer pipeline config deploy', () => {
  let server: TestServer;
  let client: GoferClient;
  let number = 0;
  beforeAll(async () => {
    server = await startTestServer('fake', { 'extensions.install_base_extensions': 'false' });
    client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
    const body = { id: 'cron', image: 'builtin:cron', settings: {} };
    expect((await client.call('install_extension', { query: { wait: 60 }, body })).extension.state).toBe('running');
  }, 120_000);
  afterAll(async () => await server?.close());

  /** A pipeline of its own, with a version for each list; the last one is live. */
  async function pipelineWith(...versions: (readonly unknown[])[]) {
    number += 1;
    const id = `simple-${number}`;
    const env = { GOFER_API_BASE_URL: server.url };
    for (const subscriptions of versions)
      expect(await runInProcess(['up', '-'], { stdin: JSON.stringify({ ...SIMPLE, id, subscriptions }), env })).toMatchObject({ code: 0 });
    const path = { namespace_id: 'default', pipeline_id: id };
    return {
      path,
      deploy: (...argv: string[]): Promise<Outcome> => runInProcess(['pipeline', 'config', 'deploy', id, ...argv], { env }),
      kept: async (): Promise<string[]> => (await client.call('list_subscriptions', { path })).subscriptions.map(describeOne),
      live: async (): Promise<number> =>
        (await client.call('get_config', { path: { ...path, version: 1 } })).config.state === 'live' ? 1 : 2,
    };
  }

  it('makes them those of the version, shows the difference first, and leaves alone what was made by hand', async () => {
    const { path, deploy, kept, live } = await pipelineWith(
      [cron('nightly', '0 3 * * * *'), cron('weekly', '0 5 * * 0 *')],
      [cron('nightly', '0 4 * * * *'), cron('hourly', '0 * * * * *')],
    );
    await client.call('create_subscription', { path, body: cron('by_hand', '0 6 * * * *') });
    const later = ['by_hand 0 6 * * * * (api)', 'hourly 0 * * * * * (config)', 'nightly 0 4 * * * * (config)'];
    expect(await kept()).toEqual(later);

    const plan = `Subscriptions
  + cron/weekly expression="0 5 * * 0 *"
  ~ cron/nightly expression: "0 4 * * * *" → "0 3 * * * *"
  - cron/hourly expression="0 * * * * *"
`;
    const dry = await deploy('1', '--dry-run');
    expect(dry).toMatchObject({
      code: 0,
      stdout: `✓ Version 1 of pipeline ${path.pipeline_id} can be deployed. Nothing was changed.\n${plan}`,
    });
    expect([await kept(), await live()]).toEqual([later, 2]);

    const { code, stdout, stderr } = await deploy('1');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`✓ Deployed version 1 of pipeline ${path.pipeline_id}
  Start a run of it: gofer run start ${path.pipeline_id} --follow
${plan}✓ Subscribed to cron/weekly
✓ Changed cron/nightly
✓ Ended cron/hourly
`);
    expect(await kept()).toEqual(['by_hand 0 6 * * * * (api)', 'nightly 0 3 * * * * (config)', 'weekly 0 5 * * 0 * (config)']);
    expect(await live()).toBe(1);
    expect((await deploy('1', '--dry-run')).stdout).toContain('  Its subscriptions stay as they are.\n');
  });

  it('ends those of the code where the version has none, and tells programs', async () => {
    const { deploy, kept } = await pipelineWith([], [cron('nightly', '0 3 * * * *')]);
    const { code, stdout } = await deploy('1', '--output-format', 'json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      start_version: 2,
      end_version: 1,
      subscriptions: [{ action: 'delete', ...cron('nightly', '0 3 * * * *') }],
    });
    expect(await kept()).toEqual([]);
  });

  it('leaves them as they are where that is asked for', async () => {
    const { deploy, kept, live } = await pipelineWith([], [cron('nightly', '0 3 * * * *')]);
    const { code, stdout } = await deploy('1', '--keep-subscriptions');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.not.stringContaining('cron') });
    expect([await kept(), await live()]).toEqual([['nightly 0 3 * * * * (config)'], 1]);
  });

  it('has deployed the version where one of them fails, and can be called again', async () => {
    const { deploy, kept, live } = await pipelineWith([cron('nightly', '0 3 * * * *')], []);
    await client.call('uninstall_extension', { path: { extension_id: 'cron' } });
    const failed = await deploy('1');
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('x Not subscribed to cron/nightly: ') });
    expect(await live()).toBe(1);
    await client.call('install_extension', { query: { wait: 60 }, body: { id: 'cron', image: 'builtin:cron', settings: {} } });
    expect(await deploy('1')).toMatchObject({ code: 0, stderr: '' });
    expect(await kept()).toEqual(['nightly 0 3 * * * * (config)']);
  });
});

describe('whoever may deploy but not see', () => {
  const PIPELINE = '/api/namespaces/default/pipelines/simple';
  const DENIED: ScriptedAnswer = [403, { error_code: 'PERMISSION_DENIED', message: 'you may not', request_id: 'r1' }];
  let server: ScriptedServer | undefined;
  afterEach(async () => await server?.close());

  it('the version deploys it, and is told that subscriptions stay as they are', async () => {
    server = await startScriptedServer(({ line }) => {
      if (line === `POST ${PIPELINE}/configs/1`) return [201, { deployment: {} }];
      return line === `GET ${PIPELINE}/configs/1` ? DENIED : undefined;
    });
    const outcome = await runInProcess(['pipeline', 'config', 'deploy', 'simple', '1'], { env: { GOFER_API_BASE_URL: server.url } });
    expect(outcome).toMatchObject({ code: 0, stderr: '! Subscriptions stay as they are: you may not read which ones version 1 has\n' });
    expect(outcome.stdout).toContain('✓ Deployed version 1 of pipeline simple\n');
  });

  it('the subscriptions deploys it, before which it asks for them, and is told that they stay as they are', async () => {
    server = await startScriptedServer(({ line }) => {
      if (line === `POST ${PIPELINE}/configs/1`) return [201, { deployment: { end_version: 1 } }];
      if (line === `GET ${PIPELINE}/configs/1`) return [200, { config: { subscriptions: [cron('nightly', '0 3 * * * *')] } }];
      return line === `GET ${PIPELINE}/subscriptions` ? DENIED : undefined;
    });
    const argv = ['pipeline', 'config', 'deploy', 'simple', '1'];
    const env = { GOFER_API_BASE_URL: server.url };
    const note = '! Subscriptions stay as they are: you may not read which ones the pipeline has\n';
    expect(await runInProcess(argv, { env })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('✓ Deployed version 1 of pipeline simple\n'),
      stderr: note,
    });
    expect(server.requests.map(({ line }) => line)).toEqual([
      `GET ${PIPELINE}/configs/1`,
      `GET ${PIPELINE}/subscriptions`,
      `POST ${PIPELINE}/configs/1`,
    ]);
    const forPrograms = await runInProcess([...argv, '--output-format', 'json'], { env });
    expect([forPrograms.code, JSON.parse(forPrograms.stdout)]).toEqual([0, { end_version: 1 }]);
  });
});

function describeOne({ subscription_id, settings, origin = 'api' }: Subscription): string {
  return `${subscription_id} ${settings['expression']} (${origin})`;
}
