/**
 * A server for tests that kill it: starts `seq 1 COUNT` as the attempt given, reads its output until at least BYTES of it were kept, holds
 * the next chunk without having kept it, and waits for its death. Arguments: data directory, attempt, COUNT, BYTES. Prints what it kept as
 * JSON: the last cursor and a hash.
 */
import { createHash } from 'node:crypto';
import { plugin } from './process-plugin.ts';
import { NEVER, specOf, start } from './process-stage.ts';

const [dataDirectory = '', attemptId = '', count = '', bytes = ''] = process.argv.slice(2);
const scheduler = await plugin.create(
  { enable: true, max_output_memory: 65536, idle_timeout: 60 },
  { instanceId: 'test', dataDirectory, log: () => {} },
);
const handle = await start(scheduler, specOf(['seq', '1', count], { attemptId }));
const hash = createHash('sha256');
let kept = 0;
for await (const chunk of scheduler.logs(handle, { follow: true }, NEVER)) {
  if (kept > Number(bytes)) {
    process.stdout.write(`${JSON.stringify({ handle, kept, hash: hash.digest('hex'), pid: process.pid })}\n`);
    await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));
  }
  hash.update(chunk.bytes);
  kept = Number(chunk.cursor);
}
