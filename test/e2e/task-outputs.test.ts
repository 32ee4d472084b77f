/** What a task may print and how it may end: every byte is kept, and every end has its cause. */
import { createHash } from 'node:crypto';
import type { TaskExecution } from '@gofer/contracts/api';
import { LOGS_PROTOCOL, type LogMessage } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeDocker } from '../backends/docker-engine.ts';
import { type Engine, GoferServer, type TaskSketch, taskPath } from './gofer-server.ts';

const MIB = 1024 * 1024;
const EXIT_CODES = [0, 1, 137, 255];

/** The bytes of one line repeated, as `yes LINE | head -c BYTES` prints them. */
function repeated(line: string, bytes: number): Buffer {
  return Buffer.alloc(bytes, `${line}\n`);
}

interface Output {
  readonly task: TaskSketch;
  readonly bytes: Buffer;
  /** As they are counted: a line over 1 MiB once for each piece it is kept in. */
  readonly lines: number;
}

function outputs(manyBytes: number): readonly Output[] {
  const many = repeated('sixty-three bytes and a line feed make a line of sixty-four!!!!', manyBytes);
  return [
    { task: { id: 'nothing', command: ['true'] }, bytes: Buffer.alloc(0), lines: 0 },
    { task: { id: 'no-newline', command: ['printf', 'the end'] }, bytes: Buffer.from('the end'), lines: 1 },
    { task: { id: 'one-line', script: `head -c ${10 * MIB} /dev/zero | tr "\\0" x` }, bytes: Buffer.alloc(10 * MIB, 'x'), lines: 10 },
    { task: { id: 'no-utf8', script: "printf 'a\\377\\376b\\n\\300\\n'" }, bytes: Buffer.from('61fffe620ac00a', 'hex'), lines: 2 },
    {
      task: { id: 'much', script: `yes "${many.toString('latin1', 0, many.indexOf('\n'))}" | head -c ${manyBytes}` },
      bytes: many,
      lines: manyBytes / 64,
    },
  ];
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function keepsWhatTasksDo(engine: Engine, manyBytes: number): void {
  let server: GoferServer;
  beforeAll(async () => {
    server = await GoferServer.start(engine);
  });
  afterAll(() => server.close());

  it(`keeps every byte: nothing, no last line feed, 10 MiB on one line, no UTF-8, ${manyBytes / MIB} MiB`, async () => {
    const all = outputs(manyBytes);
    await server.deploy(
      'outputs',
      all.map(({ task }) => task),
    );
    expect(await server.run('outputs', 120)).toMatchObject({ status: 'successful' });
    for (const { task, bytes, lines } of all) {
      const { id } = task;
      const { log } = await server.task('outputs', 1, id);
      expect([id, log]).toEqual([id, { lines, bytes: bytes.length, sha256: sha256(bytes), complete: true }]);
      expect([id, sha256(await server.rawLog('outputs', 1, id))]).toEqual([id, sha256(bytes)]);
    }
    const ranged = await server.call('GET', `${taskPath('outputs', 1, 'much')}/logs/raw`, undefined, {
      'gofer-api-version': 'v0',
      range: 'bytes=64-127',
    });
    expect([ranged.status, ranged.body]).toEqual([206, all.at(-1)?.bytes.subarray(64, 128)]);
  });

  it('shows them on the wire: U+FFFD for what is no UTF-8, long lines in pieces', async () => {
    const lossy = await server.follow('outputs', 1, 'no-utf8');
    await lossy.closed;
    expect(lossy.frames).toEqual(['a\uFFFD\uFFFDb\n', '\uFFFD\n']);
    const long = await server.follow('outputs', 1, 'one-line');
    await long.closed;
    expect(Math.max(...long.frames.map((frame) => frame.length))).toBeLessThanOrEqual(MIB);
    expect(long.frames.join('')).toHaveLength(10 * MIB);
    const none = await server.follow('outputs', 1, 'nothing');
    expect([await none.closed, none.frames]).toMatchObject([{ code: 1000 }, []]);
    const pieces = await server.follow('outputs', 1, 'one-line', [LOGS_PROTOCOL]);
    await pieces.closed;
    const lines = pieces.frames.flatMap((frame) => (JSON.parse(frame) as LogMessage).lines);
    expect(lines.map(({ continued }) => continued === true)).toEqual(lines.map((_, index) => index < lines.length - 1));
  });

  it('takes every exit code for what it is', async () => {
    await server.deploy(
      'codes',
      EXIT_CODES.map((code) => ({ id: `exit-${code}`, script: `echo ${code}; exit ${code}` })),
    );
    expect(await server.run('codes', 60)).toMatchObject({
      status: 'failed',
      status_reason: { reason: 'abnormal_exit', description: expect.stringMatching(/exit-1/) },
    });
    for (const code of EXIT_CODES) {
      const task = await server.task('codes', 1, `exit-${code}`);
      expect(task).toMatchObject({ exit_code: code, status: code === 0 ? 'successful' : 'failed', log: { complete: true } });
      if (code !== 0)
        expect(task.status_reason).toMatchObject({ reason: 'abnormal_exit', description: expect.stringContaining(String(code)) });
      expect((await server.rawLog('codes', 1, `exit-${code}`)).toString()).toBe(`${code}\n`);
    }
  });

  /** Its reason, which is in its status and in its own log. */
  const refusalOf = async (task: TaskSketch): Promise<string> => {
    const id = `refused-${task.id}`;
    await server.deploy(id, [task, { id: 'beside', command: ['true'] }]);
    expect(await server.run(id, 120)).toMatchObject({ status: 'failed' });
    const ended: TaskExecution = await server.task(id, 1, task.id);
    expect(ended).toMatchObject({ state: 'complete', status: 'failed' });
    expect(await server.statuses(id, 1)).toMatchObject({ beside: 'successful' });
    const reason = ended.status_reason?.description ?? '';
    const follower = await server.follow(id, 1, task.id, [LOGS_PROTOCOL]);
    await follower.closed;
    const said = follower.frames.flatMap((frame) => (JSON.parse(frame) as LogMessage).lines);
    expect(said).toEqual([{ stream: 'gofer', time: expect.any(Number), text: expect.stringContaining(reason) }]);
    expect((await server.rawLog(id, 1, task.id)).toString()).toContain(reason);
    return reason;
  };

  it('says why a command cannot be started', async () => {
    expect(await refusalOf({ id: 'command', command: ['/no/such/program'] })).toContain('/no/such/program');
  });

  if (engine === 'docker') {
    it('says why an image is not there, and why one cannot be pulled', async () => {
      // Nothing listens there: a registry that cannot be reached.
      expect(await refusalOf({ id: 'registry', image: '127.0.0.1:1/team/image:1', command: ['true'] })).toContain(
        '127.0.0.1:1/team/image:1',
      );
      expect(await refusalOf({ id: 'image', image: 'gofer-test/no-such-image:latest', command: ['true'] })).toContain(
        'gofer-test/no-such-image:latest',
      );
    });
  }
}

describe('tasks as processes', () => {
  keepsWhatTasksDo('process', 100 * MIB);
});
await describeDocker('tasks as containers', () => keepsWhatTasksDo('docker', 8 * MIB));
