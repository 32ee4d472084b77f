/** The commands of extensions against a real server and the extensions that come with it. */
import { createHmac } from 'node:crypto';
import { ERROR_TABLE } from '@gofer/contracts';
import type { Delivery } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoferClient } from '../api/gofer-client.ts';
import { type Outcome, type RunOptions, runInProcess } from '../testing/run-in-process.ts';
import { prepareSimple } from '../testing/sample-pipeline.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { lastWords } from './last-words.ts';

describe('an extension', () => {
  let server: TestServer;
  let client: GoferClient;
  beforeAll(async () => {
    server = await startTestServer('fake', {
      'extensions.install_base_extensions': 'false',
      'external_events.enable': 'true',
      'external_events.bind_address': '127.0.0.1:0',
    });
    client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
    await prepareSimple(client, 'default');
  });
  afterAll(async () => await server?.close());

  const gofer = (words: string, options: RunOptions = {}): Promise<Outcome> =>
    runInProcess(words.split(' '), { ...options, env: { GOFER_API_BASE_URL: server.url } });

  it('is installed, followed, disabled, enabled and uninstalled', async () => {
    const installed = await gofer('extension install webhook --wait 60');
    expect(installed).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('(builtin:webhook); it runs\n') });
    expect((await gofer('extension list')).stdout).toMatch(/^webhook +builtin:webhook +running +healthy +0 /mu);
    const got = await gofer('extension get webhook');
    expect(got.stdout).toMatch(/Pipeline Params\n {2}• secret :: Required :: /u);

    const subscribed = await gofer('pipeline subscribe simple webhook deploy -s secret=0123456789abcdef0123');
    expect(subscribed).toMatchObject({ code: 0, stderr: '' });
    const again = await gofer('pipeline subscribe simple webhook deploy -s secret=0123456789abcdef0123');
    expect(again).toMatchObject({ code: ERROR_TABLE.ALREADY_EXISTS.exit, stdout: '' });

    const log = await gofer('extension logs webhook', {
      onStdout: (all, signal) => {
        if (all.includes('\n')) signal('SIGINT');
      },
    });
    expect(log.code).toBe(0);
    const lines = (await gofer('extension logs webhook --no-follow')).stdout;
    expect(lines.startsWith(log.stdout)).toBe(true);
    const [last = ''] = lines.trimEnd().split('\n').slice(-1);
    expect((await gofer('extension logs webhook --no-follow --tail 1')).stdout).toBe(`${last}\n`);
    const json = await gofer('extension logs webhook --no-follow --tail 1 --output-format json');
    expect(JSON.parse(json.stdout)).toEqual({ extension_id: 'webhook', text: last });
    expect(JSON.parse((await gofer('extension debug webhook')).stdout)).toEqual(expect.any(Object));

    expect((await gofer('extension disable webhook')).code).toBe(0);
    await expect.poll(async () => (await gofer('extension list')).stdout).toMatch(/ disabled /u);
    expect((await gofer('extension enable webhook --wait 60')).stdout).toContain('✓ Enabled extension webhook; it runs\n');
    expect((await gofer('extension uninstall webhook')).stdout).toBe('✓ Uninstalled extension webhook; one subscription went with it\n');
    expect(await gofer('extension get webhook')).toMatchObject({ code: ERROR_TABLE.NOT_FOUND.exit });
  });

  it('that does not start is installed all the same, with its own words of what is missing', async () => {
    const { code, stdout } = await gofer('extension install github --wait 60');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^✓ Installed extension github \(builtin:github\)\n! It does not run yet: it ended with exit code 1\n.*APP_WEBHOOK_SECRET is missing.*\n.*It is started again /u,
    );
    expect((await lastWords(client, 'github')).join('\n')).toMatch(/APP_WEBHOOK_SECRET is missing/u);
    const refused = await gofer('pipeline subscribe simple github pushes -s repository=a/b');
    expect(refused).toMatchObject({ code: ERROR_TABLE.UNAVAILABLE.exit, stderr: expect.stringContaining('gofer extension get github\n') });
    await gofer('extension uninstall github');
  });

  it("is handed an event again, and its refusal is the command's", async () => {
    await gofer('extension install webhook --wait 60');
    await client.call('create_subscription', {
      path: { namespace_id: 'default', pipeline_id: 'simple' },
      body: { extension_id: 'webhook', subscription_id: 'deploy', settings: { secret: '0123456789abcdef0123' } },
    });
    const body = new Uint8Array([0x7b, 0x7d, 0x0a, 0xff]);
    const url = `${server.externalEventsUrl}/external/webhook?pipeline=default/simple/deploy`;
    const answer = await fetch(url, { method: 'POST', headers: { 'x-greeting': 'hello' }, body });
    expect(answer.status).toBeLessThan(300);
    const listed = async (): Promise<Delivery[]> => JSON.parse((await gofer('extension deliveries webhook --output-format json')).stdout);
    await expect.poll(async () => (await listed())[0]?.state, { timeout: 30_000 }).toBe('refused');
    const [{ delivery_id: id } = { delivery_id: '' }] = await listed();

    const shown = await gofer(`extension deliveries webhook ${id}`);
    expect(shown.stdout).toMatch(/:: refused\n[\s\S]*Headers\n[\s\S]* x-greeting: +hello\n/u);
    const bytes: Uint8Array[] = [];
    await gofer(`extension deliveries webhook ${id} --body`, { onBytes: (chunk) => bytes.push(chunk) });
    expect(new Uint8Array(Buffer.concat(bytes))).toEqual(body);

    const signed = await fetch(`${server.externalEventsUrl}/events/webhook`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-gofer-signature-256': `sha256=${createHmac('sha256', '0123456789abcdef0123').update('{}').digest('hex')}`,
      },
      body: '{}',
    });
    const taken = signed.headers.get('gofer-delivery-id') ?? '';
    const runsOf = async (): Promise<readonly string[]> =>
      (await gofer(`extension deliveries webhook ${taken}`)).stdout.match(/Started run .*/gu) ?? [];
    await expect.poll(runsOf, { timeout: 30_000 }).toHaveLength(1);
    const [first] = await runsOf();
    expect(first).toMatch(/^Started run default\/simple#\d+$/u);
    expect(await gofer(`extension redeliver webhook ${taken} --wait`)).toMatchObject({ code: 0, stderr: '' });
    expect(await runsOf()).toEqual([first, expect.stringMatching(/^Started run default\/simple#\d+$/u)]);
    expect(new Set(await runsOf()).size).toBe(2);

    const redelivered = await gofer(`extension redeliver webhook ${id} --wait`);
    expect(redelivered).toMatchObject({ code: 1, stderr: '', stdout: expect.stringContaining(':: refused\n') });
    expect(await gofer(`extension redeliver webhook ${id}`)).toMatchObject({ code: 0, stderr: '' });
    expect(await gofer('extension deliveries webhook --state delivered')).toMatchObject({ code: 0 });
  });
});
