import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '@gofer/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CuttableSocket } from '../../../test/backends/cuttable-socket.ts';
import { describeDocker } from '../../../test/backends/docker-engine.ts';
import type { OpenScheduler } from '../test/scheduler-fixture.ts';
import { NEVER, openScheduler, shellTask, startTask } from '../test/scheduler-fixture.ts';

const LONG = 120_000;

await describeDocker('scheduler docker, when the connection breaks and the engine goes on', (docker) => {
  let directory: string;
  let socket: CuttableSocket;
  let scheduler: OpenScheduler;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-cut-'));
    socket = await CuttableSocket.open(join(directory, 'docker.sock'), docker.socketPath);
    scheduler = await openScheduler(directory, { host: `unix://${socket.path}` });
  });
  afterAll(async () => {
    await scheduler.close();
    await socket.cut();
    await rm(directory, { recursive: true });
  });

  it('goes on where it was: every byte once, and the end', { timeout: LONG }, async () => {
    // It writes while nobody is connected, too; then until it is told to end.
    const script = `trap 'echo last; exit 5' TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done`;
    const handle = await startTask(scheduler, shellTask(script));
    const waiting = scheduler.wait(handle, NEVER);
    let text = '';
    let cuts = 0;
    let stopping: Promise<void> | undefined;
    for await (const chunk of scheduler.logs(handle, { follow: true }, NEVER)) {
      text += Buffer.from(chunk.bytes).toString();
      const lines = text.split('\n').length;
      if (cuts < 3 && lines > 20 * (cuts + 1)) {
        cuts += 1;
        await socket.cut();
        await expect(scheduler.inspect(handle)).rejects.toSatisfy((error) => codeOf(error) === 'UNAVAILABLE');
        await socket.mend();
      } else if (cuts === 3 && lines > 100) {
        stopping ??= scheduler.stop(handle, 60_000);
      }
    }
    await stopping;
    expect(await waiting).toMatchObject({ kind: 'exited', exitCode: 5 });
    const lines = text.trimEnd().split('\n');
    expect(lines.pop()).toBe('last');
    expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`));
    await scheduler.remove(handle);
  });

  it('lets go of whoever waits when it is closed', { timeout: LONG }, async () => {
    const other = await openScheduler(directory, { host: `unix://${socket.path}` });
    const handle = await startTask(other, shellTask('sleep 600'));
    const ends = [other.wait(handle, NEVER), other.stop(handle, 600_000)].map((one) => one.then(() => 'ended', codeOf));
    await other.close();
    // SIGTERM may or may not have been sent before; a shell that is process 1 does not heed it.
    expect(await Promise.all(ends)).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
    expect((await scheduler.inspect(handle)).state).toBe('running');
    await scheduler.remove(handle);
  });
});
