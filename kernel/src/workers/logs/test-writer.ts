/**
 * A process that collects numbered lines into a log until it is killed: `test-writer.ts DIRECTORY ATTEMPT LINES [replay]`. It prints a
 * character for every 100 pieces that the source has given. The source never says that it has ended.
 */
import { createThreadedLogStore } from './create-log-store.ts';
import type { OpenLogSource } from './log-store.ts';
import { never, numberedSource } from './test-source.ts';

const [directory = '', attemptId = '', lines = '0', replay] = process.argv.slice(2);
const open = numberedSource(Number(lines));
const endless: OpenLogSource = async function* (after, signal) {
  let given = 0;
  for await (const piece of open(after, signal)) {
    yield piece;
    if (++given % 100 === 0) process.stdout.write('.');
  }
  await Promise.withResolvers().promise;
};
const store = createThreadedLogStore({ directory, threads: 1 });
await store.collect(attemptId, endless, never, { replay: replay === 'replay' });
