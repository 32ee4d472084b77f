/** A plugin hosted in a real worker thread: what the thread's death means to those who wait. */
import { randomUUID } from 'node:crypto';
import { MessageChannel, Worker } from 'node:worker_threads';
import { connectScheduler } from '@gofer/contracts';
import { expect, it } from 'vitest';

const HOST = `
  const { workerData } = require('node:worker_threads');
  Promise.all([import(workerData.fake), import(workerData.contracts)]).then(async ([{ plugin }, { hostScheduler }]) => {
    hostScheduler(await plugin.create({}, { instanceId: 'thread', dataDirectory: 'thread', log() {} }), workerData.port);
  });
`;

it('rejects everything pending with UNAVAILABLE when the thread dies', async () => {
  const { port1, port2 } = new MessageChannel();
  const modules = { fake: new URL('./index.ts', import.meta.url).href, contracts: import.meta.resolve('@gofer/contracts') };
  const worker = new Worker(HOST, { eval: true, workerData: { ...modules, port: port1 }, transferList: [port1] });
  try {
    const scheduler = await connectScheduler(port2);
    const signal = new AbortController().signal;
    const spec = {
      attemptId: randomUUID(),
      image: 'any',
      entrypoint: ['gofer-fake-steps'],
      command: ['[{ "print": "ready" }, { "sleep_ms": 600000 }]'],
      env: {},
      pullPolicy: 'missing' as const,
      limits: {},
      ports: [],
      labels: {},
    };
    const updates = [];
    for await (const update of scheduler.start(spec, signal)) updates.push(update);
    const last = updates.at(-1);
    if (last?.kind !== 'started') throw new Error('it did not start');

    const waiting = scheduler.wait(last.handle, signal);
    const logs = scheduler.logs(last.handle, { follow: true }, signal)[Symbol.asyncIterator]();
    expect(Buffer.from((await logs.next()).value?.bytes ?? []).toString()).toBe('ready');
    const pending = Promise.allSettled([waiting, logs.next()]);
    await worker.terminate();
    const unavailable = { code: 'UNAVAILABLE' };
    expect(await pending).toMatchObject([{ reason: unavailable }, { reason: unavailable }]);
    await expect(scheduler.list({})).rejects.toMatchObject(unavailable);
  } finally {
    await worker.terminate();
    port2.close();
  }
});
