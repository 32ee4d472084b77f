/** Every user of a machine can read every command line: none that this engine makes holds a value of a task's environment. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandLines } from '../../../test/backends/command-lines.ts';
import { finish, NEVER, ProcessStage, shell, start } from './process-stage.ts';

let stage: ProcessStage;
beforeAll(async () => {
  stage = await ProcessStage.open();
});
afterAll(() => stage.close());

it('of a task, of its supervisor and of a command on a terminal inside it hold no value of its environment', async () => {
  const secret = randomUUID();
  const env = { TOKEN: secret, SHELL: `/bin/${secret}`, PATH: `${process.env['PATH']}:/${secret}` };
  const scheduler = await stage.scheduler();
  const seen = new Set<string>();
  const over = new AbortController();
  const watching = (async () => {
    for (; !over.signal.aborted; await delay(1)) for (const line of await commandLines()) seen.add(line);
  })();
  try {
    const handles = await Promise.all(
      Array.from({ length: 40 }, () => start(scheduler, shell('sleep 0.2; echo end of the task', { env, sensitive: true }))),
    );
    const [first] = handles;
    if (first === undefined) throw new Error('no task was started');
    const running = await start(scheduler, shell('sleep 600', { env, sensitive: true }));
    let shown = '';
    const command = ['sh', '-c', 'echo "$SHELL"; env | grep -c GOFER; sleep 0.2; echo end of the command'];
    for await (const item of scheduler.exec(running, { command, tty: true }, NEVER)) {
      if (item.kind === 'data') shown += Buffer.from(item.bytes).toString();
    }
    // The command finds its own shell, and nothing of how that is done.
    expect(shown.replaceAll('\r', '')).toBe(`/bin/${secret}\n0\nend of the command\n`);
    await Promise.all(handles.map((handle) => finish(scheduler, handle)));
  } finally {
    over.abort();
    await watching;
  }
  const lines = [...seen];
  for (const expected of ['gofer-supervisor', 'end of the task', 'end of the command', '--command']) {
    expect(lines).toContainEqual(expect.stringContaining(expected));
  }
  expect(lines.filter((line) => line.includes(secret))).toEqual([]);
});
