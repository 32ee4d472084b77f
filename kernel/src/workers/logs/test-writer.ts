/** A process that collects numbered lines into a log until it is killed: `test-writer.ts DIRECTORY ATTEMPT LINES`. */
import { createThreadedLogStore } from './create-log-store.ts';
import { never, numberedSource } from './test-source.ts';

const [directory = '', attemptId = '', lines = '0'] = process.argv.slice(2);
const store = createThreadedLogStore({ directory, threads: 1 });
await store.collect(attemptId, numberedSource(Number(lines)), never, { replay: true });
await store.close();
