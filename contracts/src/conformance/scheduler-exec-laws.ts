/** The laws of `exec`. */
import type { ExecInput, ExecOutput } from '../scheduler.ts';
import { assert, assertBytes, assertEqual, assertRejects } from './assertions.ts';
import { NEVER } from './law.ts';
import type { SchedulerLaw } from './scheduler-law.ts';
import type { SchedulerStage, Started } from './scheduler-stage.ts';
import { concat } from './scheduler-stage.ts';
import type { TaskProgram } from './task-program.ts';
import { exit, print, shellProgram, sleepLong, utf8 } from './task-program.ts';

interface ExecResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

function open(
  stage: SchedulerStage,
  task: Started,
  program: TaskProgram,
  options: {
    readonly tty?: boolean;
    readonly signal?: AbortSignal;
    readonly input?: AsyncIterable<ExecInput>;
  } = {},
): AsyncIterable<ExecOutput> {
  const { entrypoint = [], command } = (stage.harness.express ?? shellProgram)(program);
  const request = {
    command: [...entrypoint, ...command],
    tty: options.tty ?? false,
  };
  return stage.scheduler.exec(task.handle, request, options.signal ?? NEVER, options.input);
}

async function run(...args: Parameters<typeof open>): Promise<ExecResult> {
  const items: ExecOutput[] = [];
  for await (const item of open(...args)) items.push(item);
  const last = items.at(-1);
  assert(last?.kind === 'exit', `exec must end with "exit"; it ended with ${last?.kind ?? 'nothing'}`);
  assert(items.filter((item) => item.kind === 'exit').length === 1, 'exec must yield "exit" once');
  const join = (stream: 'stdout' | 'stderr'): Uint8Array =>
    concat(items.flatMap((item) => (item.kind === 'data' && item.stream === stream ? [item.bytes] : [])));
  return {
    stdout: join('stdout'),
    stderr: join('stderr'),
    exitCode: last.exitCode,
  };
}

const available = (capabilities: { readonly exec: boolean }): boolean => capabilities.exec;

export const execLaws: readonly SchedulerLaw[] = [
  {
    name: 'exec: rejects with UNSUPPORTED without the capability',
    when: (capabilities) => !capabilities.exec,
    async check(stage) {
      const task = await stage.start([sleepLong]);
      await assertRejects(() => run(stage, task, [print('x')]), 'UNSUPPORTED', 'exec');
      assertEqual((await stage.scheduler.inspect(task.handle)).state, 'running', 'the state after exec');
    },
  },
  {
    name: 'exec: runs one more command and yields its output, then its exit code',
    when: available,
    async check(stage) {
      const task = await stage.start([sleepLong]);
      const result = await run(stage, task, [print('out\n'), print('err', 'stderr'), exit(42)]);
      assertEqual(result.exitCode, 42, 'the exit code');
      if (stage.harness.capabilities.streams) {
        assertBytes(result.stdout, utf8('out\n'), 'standard output');
        assertBytes(result.stderr, utf8('err'), 'standard error');
      }
      assertEqual((await run(stage, task, [])).exitCode, 0, 'the exit code of the second command');
      assertEqual((await stage.scheduler.inspect(task.handle)).state, 'running', 'the state after exec');
      assertEqual((await stage.logs(task, { follow: false })).chunks.length, 0, "exec's output in the task's own");
    },
  },
  {
    name: 'exec: gives every byte of a large output, then the exit',
    when: available,
    async check(stage) {
      const task = await stage.start([sleepLong]);
      const result = await run(stage, task, [{ do: 'fill', bytes: 3_000_000 }, exit(1)]);
      assertBytes(result.stdout, new Uint8Array(3_000_000).fill(0x78), 'the output');
      assertEqual(result.exitCode, 1, 'the exit code');
    },
  },
  {
    name: 'exec: the input reaches the command, and its end ends it',
    when: available,
    async check(stage) {
      const task = await stage.start([sleepLong]);
      async function* input(): AsyncGenerator<ExecInput> {
        yield { kind: 'data', bytes: utf8('first\n') };
        yield { kind: 'data', bytes: utf8('second') };
      }
      const result = await run(stage, task, [{ do: 'echo' }], {
        input: input(),
      });
      assertBytes(result.stdout, utf8('first\nsecond'), 'what came back');
      assertEqual(result.exitCode, 0, 'the exit code');
    },
  },
  {
    name: 'exec: with a terminal it takes a size and still yields the exit code',
    when: available,
    async check(stage) {
      const task = await stage.start([sleepLong]);
      async function* input(): AsyncGenerator<ExecInput> {
        yield { kind: 'resize', columns: 100, rows: 30 };
      }
      const result = await run(stage, task, [print('shown'), exit(3)], {
        tty: true,
        input: input(),
      });
      assert(new TextDecoder().decode(result.stdout).includes('shown'), 'the output of a terminal must arrive as standard output');
      assertEqual(result.exitCode, 3, 'the exit code');
    },
  },
  {
    name: 'exec: rejects with FAILED_PRECONDITION where the task does not run',
    when: available,
    async check(stage) {
      const task = await stage.start([exit(0)]);
      await stage.wait(task);
      await assertRejects(() => run(stage, task, [print('x')]), 'FAILED_PRECONDITION', 'exec after the end');
      await stage.scheduler.remove(task.handle);
      await assertRejects(() => run(stage, task, [print('x')]), ['FAILED_PRECONDITION', 'NOT_FOUND'], 'exec after remove');
    },
  },
  {
    name: 'exec: rejects with CANCELLED when aborted and leaves the task alone',
    when: available,
    async check(stage) {
      const task = await stage.start([sleepLong]);
      const controller = new AbortController();
      const aborted = async (): Promise<void> => {
        for await (const item of open(stage, task, [print('ready\n'), sleepLong], { signal: controller.signal })) {
          assert(item.kind === 'data', 'the command must not end by itself');
          setImmediate(() => controller.abort());
        }
      };
      await assertRejects(aborted, 'CANCELLED', 'exec aborted');
      assertEqual((await stage.scheduler.inspect(task.handle)).state, 'running', 'the state after exec was aborted');
    },
  },
  {
    name: 'exec: a reader may leave early',
    when: available,
    async check(stage) {
      const task = await stage.start([sleepLong]);
      for await (const item of open(stage, task, [print('ready\n'), sleepLong])) {
        assert(item.kind === 'data', 'the command must not end by itself');
        break;
      }
      assertEqual((await run(stage, task, [exit(6)])).exitCode, 6, 'the exit code of the next command');
    },
  },
];
