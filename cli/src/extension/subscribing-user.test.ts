/** Somebody with the role `user`, against a real server that asks for tokens. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IdentityStage } from '../testing/identity-stage.ts';
import { SIMPLE } from '../testing/sample-pipeline.ts';

const HUSH = 'a value that is not for everybody';

let stage: IdentityStage;
beforeAll(async () => {
  stage = await IdentityStage.start({ 'extensions.install_base_extensions': 'false' });
  const body = { id: 'cron', image: 'builtin:cron', settings: { NOTE: HUSH } };
  const { extension } = await stage.client().call('install_extension', { query: { wait: 60 }, body });
  expect(extension.state).toBe('running');
}, 120_000);
afterAll(async () => await stage?.close());

it('subscribes by name, and sees what there is with a role beside it, but no values', async () => {
  const { secret: user } = await stage.tokenFor('ada', ['user']);
  expect(await stage.goferAs(user, ['up', '-'], { stdin: JSON.stringify(SIMPLE) })).toMatchObject({ code: 0 });
  const subscribe = ['pipeline', 'subscribe', 'simple', 'cron', 'nightly', '-s', 'expression=0 3 * * * *'];
  expect(await stage.goferAs(user, subscribe)).toMatchObject({ code: 0, stderr: '' });
  for (const words of [
    ['extension', 'list'],
    ['extension', 'get', 'cron'],
  ])
    expect(await stage.goferAs(user, words)).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/read on extensions.*the role user/u),
    });

  const permissions = [{ resources: ['extensions'], actions: ['read' as const] }];
  await stage.client().call('create_role', { body: { id: 'see-extensions', description: '', permissions } });
  const { secret: seeing } = await stage.tokenFor('grace', ['user', 'see-extensions']);
  expect(await stage.goferAs(seeing, ['extension', 'list'])).toMatchObject({ code: 0, stdout: expect.stringContaining('cron') });
  for (const format of ['plain', 'json']) {
    const { code, stdout } = await stage.goferAs(seeing, ['extension', 'get', 'cron', '--output-format', format]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('expression') });
    expect(stdout).toContain('NOTE');
    expect(stdout).not.toContain(HUSH);
  }
});
