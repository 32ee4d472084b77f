import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, NEVER, ProcessStage, shell, start } from './process-stage.ts';

describe('the output of a task', () => {
  let stage: ProcessStage;
  beforeAll(async () => {
    stage = await ProcessStage.open();
  });
  afterAll(() => stage.close());

  it('comes in chunks with a buffer each, which may be transferred', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('for i in 1 2 3 4 5 6; do echo $i; echo $i >&2; done'));
    await scheduler.wait(handle, NEVER);
    const chunks = await collect(scheduler.logs(handle, { follow: true }, NEVER));
    const buffers = chunks.map(({ bytes }) => bytes.buffer);
    expect(new Set(buffers).size).toBe(chunks.length);
    for (const { bytes } of chunks) expect(bytes.byteLength).toBe(bytes.buffer.byteLength);
  });

  it('says at its end what a follower from an earlier state has missed, and gives the rest', async () => {
    const scheduler = await stage.scheduler();
    const open = join(stage.dataDirectory, 'open');
    const handle = await start(scheduler, shell(`echo one; while [ ! -e ${open} ]; do sleep 0.05; done; echo two`));
    const first = scheduler.logs(handle, { follow: true }, NEVER)[Symbol.asyncIterator]();
    expect(await first.next()).toMatchObject({ done: false });
    // Asking for more says that the first is kept.
    const second = first.next();
    await writeFile(open, '');
    expect(await second).toMatchObject({ done: false });
    expect(await first.next()).toMatchObject({ done: true });
    const late: string[] = [];
    const read = (async () => {
      for await (const { bytes } of scheduler.logs(handle, { after: '0', follow: true }, NEVER)) late.push(Buffer.from(bytes).toString());
    })();
    await expect(read).rejects.toMatchObject({
      code: 'DATA_LOSS',
      message: expect.stringContaining('behind byte 0 are missing') as string,
    });
    expect(late.join('')).not.toContain('one');
  });

  it('is not read on from what is no cursor', async () => {
    const scheduler = await stage.scheduler();
    const handle = await start(scheduler, shell('exit 0'));
    const read = collect(scheduler.logs(handle, { after: 'yesterday', follow: true }, NEVER));
    await expect(read).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
