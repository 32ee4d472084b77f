/** The laws of `start`. */
import { randomUUID } from 'node:crypto';
import { codeOf } from '../errors.ts';
import type { TaskSpec } from '../scheduler.ts';
import { assert, assertBytes, assertEqual, assertRejects } from './assertions.ts';
import { filesHolding } from './files-holding.ts';
import { NEVER } from './law.ts';
import type { SchedulerLaw } from './scheduler-law.ts';
import type { SchedulerStage, Started } from './scheduler-stage.ts';
import { toOutput } from './scheduler-stage.ts';
import { exit, print, sleepLong, utf8 } from './task-program.ts';

const DEFAULT_CROWD = 8;
const UNEXECUTABLE = { entrypoint: ['/gofer-conformance/no-such-program'], command: [] };
/** When `start` is aborted, milliseconds after it began. */
const ABORT_AFTER_MS = [0, 2, 5, 10, 25, 60, 150];

/** Rejects with these codes and leaves nothing of the attempt. */
async function refused(stage: SchedulerStage, spec: TaskSpec, codes: Parameters<typeof assertRejects>[1], what: string): Promise<void> {
  await assertRejects(() => stage.startSpec(spec), codes, what);
  assertEqual(await stage.listed({ 'gofer.attempt': spec.attemptId }), [], `what is left of ${what}`);
}

/** Files of the plugin's own and lines of its log that hold this text. */
async function traces(stage: SchedulerStage, text: string): Promise<readonly string[]> {
  return [...(await filesHolding(stage.dataDirectory, utf8(text))), ...stage.logged.filter((line) => line.includes(text))];
}

/** Reads until standard output holds this text, and leaves without having kept what holds it. */
async function glimpsed(stage: SchedulerStage, task: Started, text: string): Promise<void> {
  const chunks = [];
  for await (const chunk of stage.scheduler.logs(task.handle, { follow: true }, NEVER)) {
    chunks.push(chunk);
    if (new TextDecoder().decode(toOutput(chunks).stdout).includes(text)) return;
  }
  assert(false, 'the task must print its environment');
}

const ENVIRONMENT = {
  PLAIN: 'value',
  EMPTY: '',
  SPACES: '  two  spaces  ',
  QUOTES: `it's "quoted" \`so\``,
  DOLLAR: '$HOME ${PATH} $(id) %s \\n',
  EQUALS: 'a=b=c',
  UNICODE: 'grüße 🚀',
  LINES: 'first\nsecond',
  lower_case: 'kept',
};

export const startLaws: readonly SchedulerLaw[] = [
  {
    name: 'start: runs the command and yields "started" last',
    async check(stage) {
      const task = await stage.start([print('hello\n')]);
      assertEqual(await stage.exitCode(task), 0, 'the exit code');
      assertBytes((await stage.logs(task)).stdout, utf8('hello\n'), 'the output');
    },
  },
  {
    name: 'start: a second call while the task runs yields the same handle and starts nothing',
    async check(stage) {
      const first = await stage.start([print('once\n'), { do: 'on-term', bytes: utf8('end\n'), exitCode: 0 }, print('ready\n'), sleepLong]);
      const second = await stage.startSpec(first.spec);
      assertEqual(second.handle, first.handle, 'the second handle');
      assertEqual(await stage.listed({ 'gofer.attempt': first.spec.attemptId }), [first.spec.attemptId], 'the attempts listed');
      const read = await stage.seen(first, 'once\nready\n');
      await stage.stop(first);
      assertBytes((await stage.restOf(first, read)).stdout, utf8('once\nready\nend\n'), 'the output');
    },
  },
  {
    name: 'start: a second call after the end yields the same handle and starts nothing',
    async check(stage) {
      const first = await stage.start([print('once\n'), exit(3)]);
      const end = await stage.wait(first);
      const second = await stage.startSpec(first.spec);
      assertEqual(second.handle, first.handle, 'the second handle');
      assertEqual(await stage.wait(second), end, 'the end');
      assertBytes((await stage.logs(first)).stdout, utf8('once\n'), 'the output');
    },
  },
  {
    name: 'start: calls at once for one attempt run it exactly once',
    async check(stage) {
      const spec = stage.spec([print('once\n')]);
      const started = await Promise.all(Array.from({ length: 4 }, () => stage.startSpec(spec)));
      const [first] = started;
      assert(first !== undefined, 'nothing was started');
      for (const other of started) assertEqual(other.handle, first.handle, 'a handle of a simultaneous start');
      assertEqual(await stage.listed({ 'gofer.attempt': spec.attemptId }), [spec.attemptId], 'the attempts listed');
      assertEqual(await stage.exitCode(first), 0, 'the exit code');
      assertBytes((await stage.logs(first)).stdout, utf8('once\n'), 'the output');
    },
  },
  {
    name: 'start: many attempts at once run each exactly once, each with its own output and exit code',
    async check(stage) {
      const count = stage.harness.crowd ?? DEFAULT_CROWD;
      const tasks = await Promise.all(Array.from({ length: count }, (_, index) => stage.start([print(`task ${index}\n`), exit(index)])));
      assert(new Set(tasks.map((task) => JSON.stringify(task.handle))).size === count, 'each attempt must have a handle of its own');
      await Promise.all(
        tasks.map(async (task, index) => {
          assertEqual(await stage.exitCode(task), index, `the exit code of attempt ${index}`);
          assertBytes((await stage.logs(task)).stdout, utf8(`task ${index}\n`), `the output of attempt ${index}`);
        }),
      );
    },
  },
  {
    name: 'start: rejects with CANCELLED under an aborted signal and leaves nothing',
    async check(stage) {
      const spec = stage.spec([sleepLong]);
      await assertRejects(() => stage.startSpec(spec, AbortSignal.abort()), 'CANCELLED', 'start under an aborted signal');
      assertEqual(await stage.listed({ 'gofer.attempt': spec.attemptId }), [], 'what is left');
    },
  },
  {
    name: 'start: aborted on its way, it rejects with CANCELLED and leaves nothing, or has started',
    async check(stage) {
      await Promise.all(
        ABORT_AFTER_MS.map(async (delay) => {
          const spec = stage.spec([sleepLong]);
          const controller = new AbortController();
          const timer = setTimeout(() => controller.abort(), delay);
          const outcome = await stage.startSpec(spec, controller.signal).then(
            () => 'started',
            (error: unknown) => codeOf(error),
          );
          clearTimeout(timer);
          assert(outcome === 'started' || outcome === 'CANCELLED', `start aborted after ${delay} ms: expected CANCELLED, got ${outcome}`);
          const expected = outcome === 'started' ? [spec.attemptId] : [];
          assertEqual(await stage.listed({ 'gofer.attempt': spec.attemptId }), expected, `the list after start was aborted (${outcome})`);
        }),
      );
    },
  },
  {
    name: 'start: an abort after "started" leaves the task alone',
    async check(stage) {
      const controller = new AbortController();
      const task = await stage.startSpec(stage.spec([sleepLong]), controller.signal);
      controller.abort();
      assertEqual((await stage.scheduler.inspect(task.handle)).state, 'running', 'the state');
    },
  },
  {
    name: 'start: the task gets exactly the environment of its spec and none of the host',
    async check(stage) {
      const canary = 'GOFER_CONFORMANCE_CANARY';
      process.env[canary] = 'leaked';
      try {
        const task = await stage.start([{ do: 'environment' }], {
          env: ENVIRONMENT,
        });
        assertEqual(await stage.exitCode(task), 0, 'the exit code');
        const output = `\n${new TextDecoder().decode((await stage.logs(task)).stdout)}`;
        for (const [name, value] of Object.entries(ENVIRONMENT)) {
          assert(output.includes(`\n${name}=${value}\n`), `the variable ${name} must be passed as it is; the environment was ${output}`);
        }
        assert(!output.includes(canary), "the host's environment must not reach the task");
      } finally {
        delete process.env[canary];
      }
    },
  },
  {
    name: "start: neither a task's environment nor its registry's password is ever logged",
    alone: true,
    async check(stage) {
      const env = { TOKEN: 'conformance-secret-value' };
      const registryAuth = { username: 'user', password: 'conformance-secret-password' };
      const command = stage.harness.unexecutable ?? UNEXECUTABLE;
      const task = await stage.start([exit(1)], { env, registryAuth });
      await stage.wait(task);
      await assertRejects(() => stage.startSpec({ ...stage.spec([], { env, registryAuth }), ...command }), 'INVALID_ARGUMENT', 'a start');
      await stage.scheduler.remove(task.handle);
      const leaks = stage.logged.filter((line) => line.includes('conformance-secret'));
      assertEqual(leaks, [], 'the lines of the log that hold a secret');
    },
  },
  {
    name: "start: nothing of a sensitive task's environment or output is written into the plugin's data directory or its log",
    alone: true,
    async check(stage) {
      const secret = randomUUID();
      const task = await stage.start([{ do: 'environment' }, sleepLong], { env: { TOKEN: secret }, sensitive: true });
      await glimpsed(stage, task, secret);
      const whileItRuns = await traces(stage, secret);
      await stage.stop(task, 0);
      await stage.wait(task);
      const onceItEnded = await traces(stage, secret);
      await stage.close();
      const whileClosed = await traces(stage, secret);
      await stage.reopen();
      await stage.scheduler.remove(task.handle);
      assertEqual(whileItRuns, [], 'what holds the secret while the task runs');
      assertEqual(onceItEnded, [], 'what holds the secret once the task has ended');
      assertEqual(whileClosed, [], 'what holds the secret while no instance is open');
      assertEqual(await traces(stage, secret), [], 'what holds the secret after the task was removed');
    },
  },
  {
    name: 'start: refuses a command that cannot be executed with INVALID_ARGUMENT and leaves nothing',
    async check(stage) {
      const command = stage.harness.unexecutable ?? UNEXECUTABLE;
      await refused(stage, { ...stage.spec([]), ...command }, 'INVALID_ARGUMENT', 'a command that cannot be executed');
    },
  },
  {
    name: 'start: refuses an image that does not exist and leaves nothing',
    when: (capabilities) => capabilities.images,
    async check(stage) {
      const image = stage.harness.missingImage ?? 'gofer-conformance.invalid/none:0';
      await refused(stage, stage.spec([], { image, pullPolicy: 'never' }), 'IMAGE_NOT_FOUND', 'a missing image that must not be pulled');
      const pulled = stage.spec([], { image, pullPolicy: 'missing' });
      await refused(stage, pulled, ['IMAGE_NOT_FOUND', 'IMAGE_PULL_FAILED'], 'an image that cannot be pulled');
    },
  },
  {
    name: 'start: takes any image without the capability images',
    when: (capabilities) => !capabilities.images,
    async check(stage) {
      const task = await stage.start([print('ran\n')], {
        image: 'gofer-conformance.invalid/none:0',
        pullPolicy: 'never',
      });
      assertEqual(await stage.exitCode(task), 0, 'the exit code');
    },
  },
  {
    name: 'start: refuses ports with UNSUPPORTED without the capability endpoints',
    when: (capabilities) => !capabilities.endpoints,
    check: (stage) => refused(stage, stage.spec([sleepLong], { ports: [8080] }), 'UNSUPPORTED', 'a spec with ports'),
  },
  {
    name: 'inspect: names one endpoint for each port while the task runs',
    when: (capabilities) => capabilities.endpoints,
    async check(stage) {
      const task = await stage.start([sleepLong], { ports: [8080, 9090] });
      const { endpoints } = await stage.scheduler.inspect(task.handle);
      assertEqual(
        endpoints.map((endpoint) => endpoint.port).toSorted((a, b) => a - b),
        [8080, 9090],
        'the ports',
      );
      for (const { url } of endpoints) assert(URL.canParse(url), `an endpoint must be a URL, not ${url}`);
      assert(new Set(endpoints.map((endpoint) => endpoint.url)).size === 2, 'endpoints must differ');
    },
  },
];
