/** Entry of the supervisor process: one JSON argument (`SupervisorArguments`); writes one line to standard output when servers can connect. */
import { closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LOCKED_EXIT_CODE, type SupervisorArguments } from '../protocol.ts';
import { takeLock } from './lock.ts';
import { systemCode } from './refusal.ts';
import { Supervisor } from './supervisor.ts';

// What it writes is nobody else's; its tasks have the mask that it was started with, or that they are given.
const inheritedUmask = process.umask(0o077);
const options = JSON.parse(process.argv.at(-1) ?? '') as SupervisorArguments;
process.title = `gofer-supervisor ${options.dataDirectory}`;
if (!takeLock(join(options.dataDirectory, 'lock'))) process.exit(LOCKED_EXIT_CODE);

const supervisor = new Supervisor(options, inheritedUmask);
process.on('uncaughtException', (error) => {
  process.stderr.write(`${error.stack ?? String(error)}\n`);
  supervisor.die(`by an error of its own: ${error.message}`, 70);
});
process.on('SIGTERM', () => supervisor.die('it was ended by SIGTERM', 143));
// A terminal's signals reach the server's group, not this session; whoever sends them by hand means it.
process.on('SIGINT', () => supervisor.die('it was ended by SIGINT', 130));
process.on('SIGHUP', () => {});
await supervisor.listen();
try {
  writeSync(1, 'ready\n');
} catch (error) {
  // Whoever started it has died meanwhile; what it keeps is for the next server.
  if (systemCode(error) !== 'EPIPE') throw error;
}
closeSync(1);
