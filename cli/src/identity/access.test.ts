import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IdentityStage } from '../testing/identity-stage.ts';
import { prepareSimple } from '../testing/sample-pipeline.ts';

let stage: IdentityStage;
beforeAll(async () => {
  stage = await IdentityStage.start({ 'limits.failed_authentications': '0' });
});
afterAll(async () => await stage?.close());

describe('what an answer means', () => {
  it.each([
    ['digits alone', '0042'],
    ['a newline at its end', '\n'],
  ])('a token of %s is sent as it is', async (_, text) => {
    const token = text === '\n' ? `${stage.root}\n` : text;
    const { code, stderr } = await stage.goferAs(token, ['token', 'whoami']);
    if (text === '\n') expect(code).toBe(0);
    else expect(stderr).toMatch(/comes from GOFER_TOKEN\.\n {2}Ask for another one, and log in with gofer login\.\n$/u);
  });

  it.each(['', ' ', '\n'])('a variable that holds %j is no token', async (empty) => {
    expect((await stage.goferAs(empty, ['token', 'whoami'])).stderr).toContain('No token is set here');
    await writeFile(join(stage.home, 'own.toml'), `token = "${stage.root}"\n`, { mode: 0o600 });
    expect(await stage.goferAs(empty, ['token', 'whoami', '--config', 'own.toml'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('says where the token comes from, and never what it is', async () => {
    const file = join(stage.home, 'wrong.toml');
    await writeFile(file, '\n token = "gofer_geheim"\n', { mode: 0o600 });
    for (const [argv, place] of [
      [['--config', file], `${file}:2`],
      [['--token', 'gofer_geheim'], '--token'],
    ] as const) {
      for (const debug of [[], ['--debug'], ['--output-format', 'json']]) {
        const { code, stderr } = await stage.gofer(['token', 'whoami', ...argv, ...debug]);
        expect(stderr).not.toContain('geheim');
        expect(code).toBe(4);
        if (debug[0] === '--output-format') expect(JSON.parse(stderr)).toMatchObject({ error_code: 'UNAUTHENTICATED' });
        else expect(stderr).toContain(`The token that was sent comes from ${place}.`);
      }
    }
  });

  it('a token that no header can carry is a fault of where it comes from', async () => {
    for (const token of ['gofer_ge\nheim', 'gofer_geheim ü', 'x'.repeat(4_097)]) {
      const { code, stderr } = await stage.goferAs(token, ['token', 'whoami', '--debug']);
      expect(stderr).toContain('the token (GOFER_TOKEN) cannot be one');
      expect(stderr).not.toMatch(/heim|xxxx/u);
      expect(code).toBe(78);
      const context = await stage.goferAs(token, ['context']);
      expect(context).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^You are +not known: the token \(GOFER_TOKEN\) cannot be one/mu),
      });
    }
  });

  it('streams are refused in the same words', async () => {
    const { code, stderr } = await stage.gofer(['event', 'list', '--reverse']);
    expect(stderr).toContain('gofer token bootstrap');
    expect(code).toBe(4);
  });

  it('a task that was given a token needs nothing else', async () => {
    const { secret } = await stage.tokenFor('task');
    await stage.client().call('create_namespace', { body: { id: 'of-task', name: 'x', description: '' } });
    await prepareSimple(stage.client(), 'of-task');
    const env = {
      GOFER_API_BASE_URL: stage.url,
      GOFER_NAMESPACE_ID: 'of-task',
      GOFER_PIPELINE_ID: 'simple',
      GOFER_RUN_ID: '1',
      GOFER_RUN_ATTEMPT: '1',
    };
    for (const name of ['GOFER_TOKEN', 'GOFER_API_TOKEN']) {
      const { code, stdout } = await stage.gofer(['run', 'list', 'simple'], { env: { ...env, [name]: secret } });
      expect(stdout).toMatch(/^1 +v2 /mu);
      expect(code).toBe(0);
    }
  });
});

describe('too many wrong tokens', () => {
  it('are told when to try again', async () => {
    const stage = await IdentityStage.start({ 'limits.failed_authentications': '1' });
    try {
      await stage.goferAs('wrong', ['token', 'whoami']);
      const { code, stderr } = await stage.goferAs('wrong', ['token', 'whoami']);
      expect(stderr).toMatch(/try again in \d+ s/u);
      expect(stderr.match(/try again/giu)).toHaveLength(1);
      expect(code).toBe(6);
    } finally {
      await stage.close();
    }
  });
});
