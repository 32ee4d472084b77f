/** Backups of a real server while it works, and servers that go on from them. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { GOFER, GoferServer, pipelinePath } from './gofer-server.ts';
import { filesUnder } from './leftovers.ts';

const run = promisify(execFile);
const SECRET = 'a value that nobody may read';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gofer-e2e-backup-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function gofer(home: string, ...words: readonly string[]) {
  const env = { PATH: process.env['PATH'], HOME: home, XDG_STATE_HOME: home };
  return run(process.execPath, [GOFER, 'service', ...words], { env });
}

it('a backup beside a working server holds no secret in clear, and another place goes on from it', { timeout: 120_000 }, async () => {
  const server = await GoferServer.start('process');
  const backup = join(root, 'backup');
  try {
    await server.deploy('one', [{ id: 'says', script: 'echo kept' }]);
    await server.ask('POST', `${pipelinePath('one')}/secrets`, { key: 'word', content: SECRET, force: false });
    const put = await server.call('POST', `${pipelinePath('one')}/objects/thing`, Buffer.from('contents'));
    expect(put.status).toBeLessThan(300);
    expect(await server.run('one', 60)).toMatchObject({ status: 'successful' });
    // Others come and go meanwhile.
    const busy = Array.from({ length: 20 }, () => server.run('one'));
    await gofer(server.directory, 'backup', backup);
    await Promise.all(busy);
  } finally {
    await server.close();
  }
  for (const path of await filesUnder(backup)) expect([path, readFileSync(join(backup, path)).includes(SECRET)]).toEqual([path, false]);
  await expect(gofer(root, 'backup', backup)).rejects.toMatchObject({ stderr: expect.stringContaining('is not empty') });

  for (const flags of [[], ['--new-instance']]) {
    const home = mkdtempSync(join(root, 'home-'));
    await gofer(home, 'restore', backup, ...flags);
    await expect(gofer(home, 'restore', backup)).rejects.toMatchObject({ stderr: expect.stringContaining('--force') });
    const again = await GoferServer.start('process', { directory: home });
    try {
      expect((await again.rawLog('one', 1, 'says')).toString()).toBe('kept\n');
      expect((await again.call('GET', `${pipelinePath('one')}/objects/thing`)).body.toString()).toBe('contents');
      const secret = await again.ask('GET', `${pipelinePath('one')}/secrets/word?include_secret=true`);
      expect(JSON.stringify(secret)).toContain(SECRET);
      expect((await again.run('one', 60)).status).toBe('successful');
      await expect(gofer(home, 'restore', backup, '--force')).rejects.toMatchObject({ code: 75 });
    } finally {
      await again.close();
    }
    await gofer(home, 'restore', backup, '--force');
  }

  const damaged = (await filesUnder(backup)).find((path) => path.startsWith('logs/')) ?? '';
  writeFileSync(join(backup, damaged), 'x');
  await expect(gofer(mkdtempSync(join(root, 'home-')), 'restore', backup)).rejects.toMatchObject({ code: 74 });
  rmSync(join(backup, 'manifest.json'));
  await expect(gofer(mkdtempSync(join(root, 'home-')), 'restore', backup)).rejects.toMatchObject({ code: 5 });
});

it('the configuration of the server is that of --config, and what is wrong with an argument is said', { timeout: 120_000 }, async () => {
  const encryptionKey = 'k'.repeat(32);
  const config = join(root, 'gofer_web.toml');
  writeFileSync(config, `[api]\nlog_level = "info"\n[secret_store.sqlite]\nencryption_key = "${encryptionKey}"\n`, { mode: 0o600 });
  const home = mkdtempSync(join(root, 'home-'));
  const settings = [`secret_store.sqlite.encryption_key=${encryptionKey}`];
  const server = await GoferServer.start('process', { directory: home, settings });
  await server.close();
  const backup = join(root, 'backup');
  expect((await gofer(home, 'backup', backup, '--config', config)).stdout).toContain(`to ${backup}\n`);
  expect((await gofer(home, 'restore', backup, '--force', '--config', config)).stdout).toContain('✓ Restored');
  const check = await gofer(home, 'check', '--config', config, '--output-format', 'json');
  expect(JSON.parse(check.stdout)).toEqual({ ok: true, findings: [] });
  const refusals = [
    [['backup', config], 5, 'cannot be used as a directory for a backup'],
    [['backup', join(root, 'other'), '--key-file', join(root, 'none')], 3, `there is no file ${join(root, 'none')}`],
    [['restore', backup, '--key-file', root], 2, 'is a folder: name a file'],
  ] as const;
  for (const [words, code, fault] of refusals)
    await expect(gofer(home, ...words, '--config', config)).rejects.toMatchObject({ code, stderr: expect.stringContaining(fault) });
});

it('a check finds what is damaged, repairs only what it is asked to, and leaves a running server alone', { timeout: 60_000 }, async () => {
  const home = mkdtempSync(join(root, 'home-'));
  const settings = ['object_store.engine=filesystem'];
  const flags = ['--set', 'object_store.engine=filesystem'];
  const server = await GoferServer.start('process', { directory: home, settings });
  try {
    await server.deploy('one', [{ id: 'says', script: 'echo kept' }]);
    await server.call('POST', `${pipelinePath('one')}/objects/thing`, Buffer.from('contents'));
    await server.run('one', 60);
    await expect(gofer(home, 'check', ...flags)).rejects.toMatchObject({ code: 75 });
  } finally {
    await server.close();
  }
  expect((await gofer(home, 'check', ...flags)).stdout).toContain('Everything is whole');
  const state = join(home, 'gofer');
  const files = await filesUnder(state);
  const body = files.find((path) => /^objects\/.*[0-9a-f]{12}$/.test(path)) ?? '';
  const stray = body.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  writeFileSync(join(state, stray), 'stray');
  const log = files.find((path) => /^logs.*[.]log$/.test(path)) ?? '';
  writeFileSync(join(state, log), 'torn');
  const check = async (...more: readonly string[]) => {
    const outcome = await gofer(home, 'check', ...flags, ...more, '--output-format', 'json').catch((error: unknown) => error);
    const { code = 0, stdout } = outcome as { code?: number; stdout: string };
    const { findings } = JSON.parse(stdout) as { findings: { part: string; problem: string; repaired?: string }[] };
    return { code, findings: findings.map(({ part, repaired }) => [part, repaired]) };
  };
  const found = {
    code: 74,
    findings: [
      ['logs', undefined],
      ['objects', undefined],
    ],
  };
  expect(await check()).toEqual(found);
  expect(await check()).toEqual(found);
  expect(await check('--repair')).toEqual({
    code: 74,
    findings: [
      ['logs', undefined],
      ['objects', 'removed'],
    ],
  });
  expect(await check()).toEqual({ code: 74, findings: [['logs', undefined]] });
});
