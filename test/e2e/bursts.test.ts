/** Many runs at once: none is lost, and nothing of them is left. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@gofer/contracts/api';
import { describe, expect, it } from 'vitest';
import { GoferServer, pipelinePath } from './gofer-server.ts';
import { filesUnder, processesUsing, until } from './leftovers.ts';

const RUNS = 200;

describe.each(['fake', 'process'] as const)('%s', (engine) => {
  it(`ends ${RUNS} runs that were started at once and leaves nothing of them`, async () => {
    const server = await GoferServer.start(engine, { settings: [`api.task_execution_log_retention=${RUNS + 1}`] });
    try {
      await server.deploy('one', [{ id: 'task', script: 'echo "run $GOFER_RUN_ID"; exit $((GOFER_RUN_ID % 2))' }]);
      const runs = await Promise.all(Array.from({ length: RUNS }, () => server.run('one', 120)));
      expect(runs.map(({ run_id }) => run_id).toSorted((a, b) => a - b)).toEqual(Array.from({ length: RUNS }, (_, index) => index + 1));
      expect(runs.filter(({ state }) => state !== 'complete')).toEqual([]);
      const listed = await server.ask<{ runs: Run[] }>('GET', `${pipelinePath('one')}/runs?limit=${RUNS * 2}`);
      expect(listed.runs).toHaveLength(RUNS);
      if (engine === 'process') {
        for (const { run_id, status } of runs) {
          expect([run_id, status]).toEqual([run_id, run_id % 2 === 0 ? 'successful' : 'failed']);
          expect((await server.rawLog('one', run_id, 'task')).toString()).toBe(`run ${run_id}\n`);
        }
      }
      await server.ask('DELETE', pipelinePath('one'));
      const state = join(server.directory, 'gofer');
      const logs = join(state, 'logs');
      await until('the removal of the logs', async () => (await filesUnder(logs)).length === 0);
      if (engine === 'process') {
        const plugin = join(state, 'plugins', 'scheduler-process');
        await until('the end of the supervisor', async () => (await processesUsing(plugin)).length === 0);
        const left = await filesUnder(plugin);
        // Named pipes are made again by the next supervisor; they hold nothing.
        expect(left.filter((file) => !/^(?:journal|lock|lock-journal|supervisor\.log|pipes\/\d+\/\d+)$/.test(file))).toEqual([]);
        expect(await readdir(join(plugin, 'attempts')).catch(() => [])).toEqual([]);
      }
    } finally {
      await server.close();
    }
  });
});
