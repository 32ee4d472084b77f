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
  for (const path of await filesUnder(backup)) expect(readFileSync(join(backup, path)).includes(SECRET), path).toBe(false);
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

  const [damaged = ''] = (await filesUnder(backup)).filter((path) => path.startsWith('logs/'));
  writeFileSync(join(backup, damaged), 'x');
  await expect(gofer(mkdtempSync(join(root, 'home-')), 'restore', backup)).rejects.toMatchObject({ code: 74 });
  rmSync(join(backup, 'manifest.json'));
  await expect(gofer(mkdtempSync(join(root, 'home-')), 'restore', backup)).rejects.toMatchObject({ code: 5 });
});
