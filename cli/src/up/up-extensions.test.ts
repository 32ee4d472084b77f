/** `gofer up` against a real server and the extensions that come with it. */
import type { Subscription } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoferClient } from '../api/gofer-client.ts';
import { type Outcome, runInProcess } from '../testing/run-in-process.ts';
import { SIMPLE } from '../testing/sample-pipeline.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const PATH = { namespace_id: 'default', pipeline_id: 'simple' };

describe('gofer up and the subscriptions in the code', () => {
  let server: TestServer;
  let client: GoferClient;
  beforeAll(async () => {
    server = await startTestServer('fake', { 'extensions.install_base_extensions': 'false' });
    client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
    for (const id of ['cron', 'interval']) {
      const body = { id, image: `builtin:${id}`, settings: {} };
      expect((await client.call('install_extension', { query: { wait: 60 }, body })).extension.state).toBe('running');
    }
  }, 120_000);
  afterAll(async () => await server?.close());

  const up = (subscriptions: readonly unknown[], ...flags: string[]): Promise<Outcome> =>
    runInProcess(['up', '-', ...flags], {
      stdin: JSON.stringify({ ...SIMPLE, subscriptions }),
      env: { GOFER_API_BASE_URL: server.url },
    });
  const kept = async (): Promise<Pick<Subscription, 'extension_id' | 'subscription_id' | 'settings' | 'origin' | 'status'>[]> => {
    const { subscriptions } = await client.call('list_subscriptions', { path: PATH });
    return subscriptions.map(({ extension_id, subscription_id, settings, origin, status }) => ({
      extension_id,
      subscription_id,
      settings,
      origin: origin ?? 'api',
      status,
    }));
  };
  const cron = (subscription_id: string, expression: string) => ({ extension_id: 'cron', subscription_id, settings: { expression } });

  it('makes them, changes them, and ends them, and leaves alone what was made by hand', async () => {
    expect(await up([cron('nightly', '0 3 * * * *')])).toMatchObject({ code: 0, stderr: '' });
    expect(await kept()).toEqual([{ ...cron('nightly', '0 3 * * * *'), origin: 'config', status: 'active' }]);

    const byHand = { extension_id: 'interval', subscription_id: 'by_hand', settings: { every: '1h' } };
    await client.call('create_subscription', { path: PATH, body: byHand });
    const dry = await up([cron('nightly', '0 4 * * * *')], '--dry-run');
    expect(dry.stdout).toContain('  ~ cron/nightly expression: "0 3 * * * *" → "0 4 * * * *"\n');
    expect(await up([cron('nightly', '0 4 * * * *')])).toMatchObject({ code: 0, stderr: '' });
    expect(await kept()).toEqual([
      { ...cron('nightly', '0 4 * * * *'), origin: 'config', status: 'active' },
      { ...byHand, origin: 'api', status: 'active' },
    ]);

    expect(await up([byHand])).toMatchObject({ code: 0, stdout: expect.stringContaining('~ interval/by_hand (made by hand') });
    expect(await kept()).toEqual([{ ...byHand, origin: 'config', status: 'active' }]);
    expect(await up([])).toMatchObject({ code: 0, stdout: expect.stringContaining('✓ Ended interval/by_hand\n') });
    expect(await kept()).toEqual([]);
    const again = await up([]);
    expect(again).toMatchObject({ code: 0, stderr: '', stdout: expect.not.stringContaining('Subscriptions') });
  });

  it("shows a refusal in the extension's own words, what is not installed as such, and does the others", async () => {
    const missing = { extension_id: 'nowhere', subscription_id: 'one', settings: {} };
    const { code, stdout, stderr } = await up([cron('never', '0 3 * *'), missing, cron('nightly', '0 3 * * * *')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/x Not subscribed to cron\/never: .*expression/u);
    expect(stderr).toMatch(/x Not subscribed to nowhere\/one: .*nowhere/u);
    expect(stdout).toContain('✓ Subscribed to cron/nightly\n');
    expect(await kept()).toEqual([{ ...cron('nightly', '0 3 * * * *'), origin: 'config', status: 'active' }]);
    const { config } = await client.call('get_config', { path: { ...PATH, version: 0 } });
    expect(config.subscriptions).toHaveLength(3);
  });

  it('shows them with the pipeline', async () => {
    const { stdout } = await runInProcess(['pipeline', 'get', 'simple'], { env: { GOFER_API_BASE_URL: server.url } });
    expect(stdout).toMatch(/🗘 Extension Subscriptions\n {2}⟳ nightly +cron +active +expression="0 3 \* \* \* \*"\n/u);
  });
});
