/** The process around the command: the only module of this room that touches `process`. */
import { homedir } from 'node:os';
import { runCli } from './run-cli.ts';
import { version } from './version.ts';

/** `| head` has read enough: that is no error of ours, and there is nobody left to tell. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: Error & { code?: string }) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

const code = await runCli(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  workingDirectory: process.cwd(),
  homeDirectory: process.env.HOME ?? homedir(),
  node: process.execPath,
  version,
  now: Date.now,
  setUmask: (mask) => process.umask(mask),
  onSignal(signal, listener) {
    process.on(signal, listener);
    return () => process.off(signal, listener);
  },
});

// Output to a pipe is asynchronous: an exit before it is flushed would cut it.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
process.exit(code);
