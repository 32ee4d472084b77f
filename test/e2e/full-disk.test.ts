/** The disk of the logs is full: the task goes on, its log says what is missing, and nothing else is lost. Needs root, for a small tmpfs. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeNeeding } from '../backends/describe-needing.ts';
import { GoferServer } from './gofer-server.ts';
import { until } from './leftovers.ts';

const missing = process.getuid?.() === 0 ? undefined : 'mounting a tmpfs needs root';

describeNeeding('a small tmpfs', 'a full disk for the logs', missing, () => {
  it('is told where it matters, and what comes after works', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gofer-e2e-disk-'));
    const logs = join(directory, 'logs');
    mkdirSync(logs);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'gofer-e2e', logs]);
    const server = new GoferServer('process', {
      settings: [`api.task_execution_logs_dir=${logs}`, 'server.minimum_free_disk=0'],
      directory,
    });
    try {
      await server.begin();
      const done = join(directory, 'done');
      await server.deploy('much', [
        { id: 'prints', script: `echo first; yes "a line of sixteen" | head -c ${16 * 1024 * 1024}; echo last > ${done}` },
        { id: 'beside', script: 'sleep 0.1; echo beside' },
        { id: 'after', script: `cat ${done}`, depends_on: { prints: 'Any' } },
      ]);
      const run = await server.run('much', 60);
      expect(run.state).toBe('complete');
      const prints = await server.task('much', 1, 'prints');
      expect(prints).toMatchObject({ exit_code: 0, log: { complete: false, problem: expect.stringMatching(/space|full|ENOSPC/i) } });
      const kept = await server.rawLog('much', 1, 'prints');
      expect(kept.toString('utf8', 0, 24)).toBe('first\na line of sixteen\n');
      expect(kept.length).toBe(prints.log?.bytes);
      expect(await server.task('much', 1, 'after')).toMatchObject({ status: 'successful', exit_code: 0 });
      // There is room again once the log is deleted.
      await server.ask('DELETE', '/api/namespaces/default/pipelines/much/runs/1/tasks/prints/logs');
      await server.deploy('little', [{ id: 'one', script: 'echo room' }]);
      expect(await server.run('little', 60)).toMatchObject({ status: 'successful' });
      expect((await server.task('little', 1, 'one')).log).toMatchObject({ complete: true, lines: 1 });
    } finally {
      await server.close();
      execFileSync('umount', [logs]);
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('below server.minimum_free_disk no run starts, what goes on is kept, and /readyz says so until there is room', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gofer-e2e-disk-'));
    const logs = join(directory, 'logs');
    mkdirSync(logs);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'gofer-e2e', logs]);
    const settings = [`api.task_execution_logs_dir=${logs}`, `server.minimum_free_disk=${4 * 1024 * 1024}`];
    const go = join(directory, 'go');
    const server = new GoferServer('process', { settings, directory });
    try {
      await server.begin();
      await server.deploy('waits', [{ id: 'waits', script: `until test -e ${go}; do sleep 0.05; done; echo end; exit 3` }]);
      expect((await server.call('GET', '/readyz', undefined, {})).json()).toMatchObject({ status: 'ready', reasons: [] });
      await server.run('waits');
      await until('the start of the task', async () => (await server.tasks('waits', 1)).some(({ state }) => state === 'running'));
      writeFileSync(join(logs, 'ballast'), Buffer.alloc(6 * 1024 * 1024));
      await until('a server that is not ready', async () => (await server.call('GET', '/readyz', undefined, {})).status === 503);
      expect((await server.call('GET', '/readyz', undefined, {})).json()).toMatchObject({
        status: 'not ready',
        reasons: [{ part: 'disk', reason: expect.stringContaining('the disk of the logs') }],
      });
      const path = '/api/namespaces/default/pipelines/waits/runs';
      expect(await server.refusal('POST', path, { variables: {} })).toMatchObject({ status: 507, error_code: 'STORAGE_FULL' });
      expect((await server.call('HEAD', '/healthz', undefined, {})).status).toBe(200);
      writeFileSync(go, '');
      expect(await server.getRun('waits', 1, 60)).toMatchObject({ state: 'complete', status: 'failed' });
      expect(await server.task('waits', 1, 'waits')).toMatchObject({ exit_code: 3, log: { complete: true, lines: 1 } });
      rmSync(join(logs, 'ballast'));
      await until('a server that is ready', async () => (await server.call('GET', '/readyz', undefined, {})).status === 200);
      expect(await server.run('waits', 60)).toMatchObject({ state: 'complete' });
    } finally {
      // A task that still waits for it would keep the directory in use.
      writeFileSync(go, '');
      await server.close();
      execFileSync('umount', [logs]);
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
