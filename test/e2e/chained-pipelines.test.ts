/** The extension pipeline on a real server: the end of one run starts the next, also where the server was killed between the two. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { install, runsOf, subscribe, variableOf } from './extension-steps.ts';
import { GoferServer } from './gofer-server.ts';
import { until } from './leftovers.ts';

let server: GoferServer;
beforeAll(async () => {
  server = await GoferServer.start('process');
  const told = { id: 'told', script: 'echo "$GOFER_EXTENSION_PIPELINE_PIPELINE/$GOFER_EXTENSION_PIPELINE_RUN"' };
  await server.deploy('first', [{ id: 'one', script: 'test "$FAILS" != yes' }]);
  for (const id of ['second', 'third', 'alarm']) await server.deploy(id, [told]);
  expect(await install(server, 'pipeline', 'builtin:pipeline')).toMatchObject({ state: 'running' });
  await subscribe(server, 'second', 'pipeline', 'after', { pipeline: 'first' });
  await subscribe(server, 'third', 'pipeline', 'after', { pipeline: 'second', status: 'successful' });
  await subscribe(server, 'alarm', 'pipeline', 'after', { pipeline: 'first', status: 'failed' });
});
afterAll(() => server.close());

async function lastRuns(count: number): Promise<void> {
  for (const id of ['second', 'third']) {
    await until(`${count} runs of ${id}`, async () => (await runsOf(server, id)).length >= count);
    expect(await server.getRun(id, count, 60)).toMatchObject({ status: 'successful' });
  }
}

it('a run that succeeds has its successors follow, one after the other, each told of the one before', async () => {
  await server.run('first', 60);
  await lastRuns(1);
  const [run] = await runsOf(server, 'third');
  if (run === undefined) return expect.unreachable('it has run');
  const of = (name: string) => variableOf(run, `GOFER_EXTENSION_PIPELINE_${name}`);
  expect(['NAMESPACE', 'PIPELINE', 'RUN', 'STATUS', 'DEPTH'].map(of)).toEqual(['default', 'second', '1', 'successful', '2']);
  expect((await server.rawLog('third', 1, 'told')).toString()).toBe('second/1\n');
  expect(await runsOf(server, 'alarm')).toEqual([]);
});

it('one that fails starts those only that wait for that', async () => {
  expect(await server.run('first', 60, { FAILS: 'yes' })).toMatchObject({ status: 'failed' });
  await until('the alarm', async () => (await runsOf(server, 'alarm')).length > 0);
  expect((await server.getRun('alarm', 1, 60)).status).toBe('successful');
  expect((await server.rawLog('alarm', 1, 'told')).toString()).toBe('first/2\n');
  expect(await runsOf(server, 'second')).toHaveLength(1);
});

it('a run that has ended while the server was away is followed once it is back', async () => {
  const [goes, ended] = [join(server.directory, 'goes'), join(server.directory, 'ended')];
  // The process outlives its server.
  await server.deploy('first', [{ id: 'one', script: `echo began; while [ ! -e ${goes} ]; do sleep 0.01; done; : > ${ended}` }]);
  await server.run('first');
  const begun = await server.follow('first', 3, 'one');
  await until('its task', () => begun.frames.length > 0);
  await server.end('SIGKILL');
  writeFileSync(goes, '');
  await until('its end', () => existsSync(ended));
  await server.begin();
  await lastRuns(2);
  for (const id of ['second', 'third']) expect(await runsOf(server, id)).toHaveLength(2);
});
