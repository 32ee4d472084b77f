/** The disk of the logs is full: the task goes on, its log says what is missing, and nothing else is lost. Needs root, for a small tmpfs. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeNeeding } from '../backends/describe-needing.ts';
import { GoferServer } from './gofer-server.ts';

const missing = process.getuid?.() === 0 ? undefined : 'mounting a tmpfs needs root';

describeNeeding('a small tmpfs', 'a full disk for the logs', missing, () => {
  it('is told where it matters, and what comes after works', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gofer-e2e-disk-'));
    const logs = join(directory, 'logs');
    mkdirSync(logs);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'gofer-e2e', logs]);
    const server = new GoferServer('process', { settings: [`api.task_execution_logs_dir=${logs}`], directory });
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
});
