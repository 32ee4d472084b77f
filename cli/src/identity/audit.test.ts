import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mapBounded } from '../api/map-bounded.ts';
import { IdentityStage } from '../testing/identity-stage.ts';
import { prepareSimple } from '../testing/sample-pipeline.ts';

let stage: IdentityStage;
beforeAll(async () => {
  stage = await IdentityStage.start({ 'limits.failed_authentications': '0' });
});
afterAll(async () => await stage?.close());
const root = (argv: readonly string[], options = {}) => stage.goferAs(stage.root, argv, options);

describe('the audit', () => {
  let token: { readonly id: string; readonly secret: string };
  beforeAll(async () => {
    token = await stage.tokenFor('auditor');
    await prepareSimple(stage.client(), 'default');
    for (const id of ['one', 'two', 'three']) await stage.goferAs(token.secret, ['namespace', 'create', `audit-${id}`, id]);
    await stage.goferAs(token.secret, ['namespace', 'create', 'audit-one', 'again']);
  });
  type Entry = { operation: string; result: string; target: Record<string, string>; at: number };
  const list = async (...argv: string[]) =>
    JSON.parse((await root(['audit', 'list', '--output-format', 'json', ...argv])).stdout) as Entry[];
  const ids = (entries: Entry[]) => entries.map(({ target }) => target['id']);

  it('is narrowed by who, what, where, when and how it ended', async () => {
    expect(ids(await list('--user', 'auditor'))).toEqual(['audit-one', 'audit-three', 'audit-two', 'audit-one']);
    expect(ids(await list('--token-id', token.id, '--limit', '2'))).toEqual(['audit-one', 'audit-three']);
    expect(await list('--user', 'auditor', '--result', 'failure')).toMatchObject([{ result: 'ALREADY_EXISTS' }]);
    expect(ids(await list('--token-id', token.id, '--result', 'success'))).toEqual(['audit-three', 'audit-two', 'audit-one']);
    const runs = await list('--operation', 'start_run', '--pipeline', 'simple', '--namespace', 'default');
    expect(runs).toMatchObject([{ operation: 'start_run', target: { namespace_id: 'default', pipeline_id: 'simple' } }]);
    expect(await list('--operation', 'start_run', '--namespace', 'other')).toEqual([]);
    const [newest] = await list('--limit', '1');
    expect(await list('--until', String((newest?.at ?? 0) + 1), '--since', String((newest?.at ?? 0) + 1))).toEqual([]);
    expect(await list('--since', '7d')).not.toEqual([]);
    expect(await list('--until', '7d')).toEqual([]);
  });

  it.each([
    [['--operation', 'create_tokn'], /^! --operation create_tokn is nothing that this command knows; did you mean create_token\?\n$/u],
    [['--result', 'fail'], /^! --result fail is nothing that this command knows; it is one of success, failure, /u],
    [['--operation', 'delete_role'], /^Nothing in the audit matches\.\n$/u],
  ])('says that nothing was found, and of a slip that it may be one: %s', async (argv, message) => {
    const { code, stderr } = await root(['audit', 'list', ...argv]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(message) });
    expect((await root(['audit', 'list', ...argv, '--output-format', 'json'])).stderr).toBe('');
  });

  it('is not narrowed to the configured namespace', async () => {
    const argv = ['audit', 'list', '--operation', 'start_run', '--output-format', 'json'];
    expect(JSON.parse((await root(argv, { env: { GOFER_NAMESPACE: 'other' } })).stdout)).toHaveLength(1);
  });

  it('says that there is more, and how to see it', async () => {
    const { stdout, stderr } = await root(['audit', 'list', '--limit', '2', '--detail']);
    expect(stdout.split('\n')[0]).toMatch(/^WHEN +USER +OPERATION +TARGET +RESULT +TOKEN +ADDRESS +REQUEST +ID$/u);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    const [, until = ''] = /newest 2; there are more\. Earlier ones: --until (\S+), or --limit, or --all/u.exec(stderr) ?? [];
    expect(new Date(until).toISOString()).toBe(until);
    const everything = await list('--all');
    expect(await list('--limit', String(everything.length))).toEqual(everything);
    expect((await root(['audit', 'list', '--all'])).stderr).toBe('');
  });

  it('is followed over the pages of the server', { timeout: 60_000 }, async () => {
    const client = stage.client(token.secret);
    const numbers = Array.from({ length: 1_100 }, (_, number) => number);
    await mapBounded(numbers, 16, (number) => client.call('delete_token', { path: { id: `none-${number}` } }));
    const argv = ['--token-id', token.id, '--operation', 'delete_token'];
    for (const [flags, length] of [
      [['--all'], 1_100],
      [['--limit', '1001'], 1_001],
      [['--limit', '1100'], 1_100],
      [['--limit', '1000'], 1_000],
    ] as const) {
      const entries = await list(...argv, ...flags);
      expect(entries).toHaveLength(length);
      expect(new Set(ids(entries)).size).toBe(length);
    }
    expect((await root(['audit', 'list', ...argv, '--limit', '1100'])).stderr).toBe('');
    expect((await root(['audit', 'list', ...argv, '--limit', '1099'])).stderr).toContain('newest 1099');
  });

  it.each([
    ['--since', 'yesterday'],
    ['--until', '3600'],
    ['--limit', '0'],
    ['--limit', '100001'],
    ['--all', '--limit=3'],
  ])('is refused with %s %s', async (...flags) => {
    expect(await root(['audit', 'list', ...flags])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('event ingress', () => {
  it('is turned off and on, and says what that means', async () => {
    const toggle = (...argv: string[]) => root(['service', 'toggle-event-ingress', ...argv]);
    const start = async () => (await root(['run', 'start', 'simple'])).code;
    expect((await toggle()).stdout).toMatch(
      /^✓ Event ingress is off: no run starts.*503.*\n {2}Let them start again: gofer service toggle-event-ingress --on\n$/u,
    );
    expect(await start()).toBe(6);
    expect((await toggle('--off')).stdout).toMatch(/is off, as before/u);
    expect((await toggle('--on')).stdout).toMatch(/^✓ Event ingress is on: runs start\n/u);
    expect(await start()).toBe(0);
    expect(JSON.parse((await toggle('--output-format', 'json')).stdout)).toMatchObject({ ignore_pipeline_run_events: true });
    expect(JSON.parse((await toggle('--output-format', 'json')).stdout)).toMatchObject({ ignore_pipeline_run_events: false });
    expect(await toggle('--on', '--off')).toMatchObject({ code: 2, stdout: '' });
    const { secret } = await stage.tokenFor('ada', ['user']);
    expect(await stage.goferAs(secret, ['service', 'toggle-event-ingress'])).toMatchObject({ code: 4 });
  });
});
