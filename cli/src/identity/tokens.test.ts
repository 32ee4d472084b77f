import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IdentityStage } from '../testing/identity-stage.ts';

let stage: IdentityStage;
beforeAll(async () => {
  stage = await IdentityStage.start({ 'limits.failed_authentications': '0' });
});
afterAll(async () => await stage?.close());
const root = (argv: readonly string[], options = {}) => stage.goferAs(stage.root, argv, options);

describe('tokens', () => {
  it.each([
    ['--expiry', '1.5'],
    ['--expiry', '500ms'],
    ['--expiry', 'soon'],
    ['--expiry', '0s'],
    ['--expiry', '0d'],
    ['--expiry', '4294967296'],
    ['--expiry', '50000d'],
    ['--metadata', 'team'],
    ['--metadata', '=x'],
    ['--output-format', 'silent'],
  ])('are not created with %s %s', async (flag, value) => {
    const before = await stage.client().call('list_tokens', {});
    expect(await root(['token', 'create', 'ada', '-r', 'user', flag, value])).toMatchObject({ code: 2, stdout: '' });
    expect(await stage.client().call('list_tokens', {})).toEqual(before);
  });

  it('expire when they are told to, and have what they are given', async () => {
    const argv = ['token', 'create', 'ci', '-r', 'user', '-r', 'admin', '-r', 'user', '--expiry', '90d', '-m', 'a=b=c', '-m', 'd='];
    const { stdout } = await root([...argv, '--output-format', 'json']);
    const { token_details: token, secret } = JSON.parse(stdout) as {
      token_details: { created: number; expires: number };
      secret: string;
    };
    expect(token).toMatchObject({ user: 'ci', roles: ['user', 'admin'], metadata: { a: 'b=c', d: '' } });
    expect(token.expires - token.created).toBe(90 * 86_400_000);
    expect(secret).toMatch(/^gofer_\S+$/u);
    expect(await root(['token', 'create', 'x', '-r', 'nobody-has-this'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('does not exist'),
    });
  });

  it('have the roles of several flags, and of one with commas', async () => {
    const { stdout } = await root(['token', 'create', 'ci', '--roles', 'user, anonymous', '-r', 'admin', '--output-format', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ token_details: { roles: ['user', 'anonymous', 'admin'] } });
  });

  it.each(['bootstrap', 'whoami'])('have no id that is %s, a word of the API', async (word) => {
    const { code, stderr } = await root(['token', 'get', word]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: `x "${word}" is no id of a token: gofer token list has them\n` });
  });

  it('without roles say so', async () => {
    const { code, stderr, stdout } = await root(['token', 'create', 'nobody']);
    expect(stderr).toContain('It has no roles');
    expect(stdout).toContain('(roles: none; expires: never)');
    expect(code).toBe(0);
  });

  it.each(['get', 'enable', 'disable', 'delete'])('are %s by their id, never by themselves', async (verb) => {
    const { id, secret } = await stage.tokenFor('ada');
    const wrong = await root(['token', verb, secret]);
    expect(wrong).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('its id is wanted') });
    expect(wrong.stderr).not.toContain(secret);
    expect(await root(['service', 'token', verb, id])).toMatchObject({ code: 0, stdout: expect.stringContaining(id) });
    expect(await root(['token', verb, '00000000-0000-7000-8000-000000000000'])).toMatchObject({ code: 3, stdout: '' });
    if (verb === 'disable' || verb === 'delete') {
      const own = await stage.tokenFor('self');
      expect(await stage.goferAs(own.secret, ['token', verb, own.id])).toMatchObject({ code: 5 });
    }
  });

  it('are shown without what could harm a terminal', async () => {
    const { id } = await stage.tokenFor('a\u001b[2Jda\u0007');
    expect((await root(['token', 'get', id])).stdout).toMatch(/^ {2}User {7}ada$/mu);
    expect((await root(['token', 'list'])).stdout).toMatch(new RegExp(`^${id} +ada `, 'mu'));
  });

  it.each([
    ['a token among words that are no command', ['token', 'login', 'gofer_geheim']],
    ['a token behind login', ['login', 'gofer_geheim']],
    ['a token as a flag of login', ['login', '--gofer_geheim']],
    ['a token by --token at login', ['login', '--token', 'gofer_geheim']],
  ])('are not repeated: %s', async (_, argv) => {
    const { code, stderr } = await stage.gofer([...argv, '--debug']);
    expect(stderr).not.toContain('geheim');
    expect(code).toBe(2);
  });
});
