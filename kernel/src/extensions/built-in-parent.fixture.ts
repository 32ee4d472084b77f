/** A process that runs an extension, to be killed: its child writes to this one's own output, so that a test sees the end of both. */
import { spawn } from 'node:child_process';
import { builtInEnvironment } from './built-in-environment.ts';

const [child = ''] = process.argv.slice(2);
const command = { file: process.execPath, args: [child, 'ignores SIGTERM'] };
const env = builtInEnvironment({ uid: 's', extensionId: 'mine', extensionUid: 'e', image: 'builtin:one', env: {} }, command);
const started = spawn(command.file, command.args, { env, stdio: ['pipe', 'inherit', 'inherit', 'pipe'] });
// What it announces goes on to whoever started this process.
started.stdio[3]?.once('data' as never, (line: Buffer) => process.stdout.write(line));
