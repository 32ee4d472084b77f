/**
 * A process that collects output full of secrets until it is killed: `test-masked-writer.ts DIRECTORY ATTEMPT LINES SIZE STOP`. It
 * prints a character once the piece of the number STOP is asked for, which says that those before it are kept, and never gives it.
 */
import { createThreadedLogStore } from './create-log-store.ts';
import { forgettingSource, MASKING, maskedPieces } from './masked-source.fixture.ts';
import { never } from './test-source.ts';

const [directory = '', attemptId = '', lines = '', size = '', stop = ''] = process.argv.slice(2);
const stops = new Map([
  [
    Number(stop),
    () => {
      process.stdout.write('.');
      return Promise.withResolvers<void>().promise;
    },
  ],
]);
const store = createThreadedLogStore({ directory, threads: 1 });
await store.collect(attemptId, forgettingSource(maskedPieces(Number(lines), Number(size)), stops), never, {
  replay: false,
  masking: MASKING,
});
