/**
 * The first thing that a newcomer runs: a server of its own on a temporary directory and a free loopback port, the diamond example on it,
 * every task's output live, and nothing left behind. It uses the `gofer` command as a person would.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { canRunOnDocker } from './docker-image.ts';

const ROOT = join(import.meta.dirname, '../..');
const GOFER = join(ROOT, 'cli/bin/gofer.mjs');
const IMAGE = 'busybox:latest';
const START_SECONDS = 30;

/** Only what the server needs of the caller's environment: none of its own settings leaks into the demo. */
function environment(directory: string, url?: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('GOFER_'));
  return { ...Object.fromEntries(kept), XDG_STATE_HOME: directory, ...(url === undefined ? {} : { GOFER_API_BASE_URL: url }) };
}

/** Resolves with the address that the server says it is ready at. */
async function whenReady(server: ChildProcess): Promise<string> {
  const lines: string[] = [];
  const { stdout } = server;
  if (stdout === null) throw new Error('the server was started without a pipe for its log');
  const ready = (async () => {
    for await (const line of createInterface({ input: stdout })) {
      lines.push(line);
      const url = /is ready at (http:\/\/\S+)/.exec(line)?.[1];
      if (url !== undefined) return url;
    }
    throw new Error(`the server ended before it was ready:\n${lines.join('\n')}`);
  })();
  const late = delay(START_SECONDS * 1000, undefined, { ref: false }).then(() => {
    throw new Error(`the server was not ready within ${START_SECONDS} s:\n${lines.join('\n')}`);
  });
  return Promise.race([ready, late]);
}

async function run(step: string, commandArguments: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  console.log(`\n$ gofer ${commandArguments.join(' ')}    # ${step}`);
  const child = spawn(process.execPath, [GOFER, ...commandArguments], { cwd: ROOT, env, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
}

async function demo(interrupted: AbortSignal): Promise<number> {
  console.log('Gofer runs pipelines of containers. This is one, from its program to its result.\n');
  const docker = await canRunOnDocker(IMAGE);
  console.log(
    docker.usable
      ? `Docker answers and has ${IMAGE}: the tasks are containers.`
      : `${docker.reason}: the tasks are plain processes of this machine instead of containers.`,
  );
  const directory = await mkdtemp(join(tmpdir(), 'gofer-demo-'));
  const engine = docker.usable ? 'docker' : 'process';
  const server = spawn(
    process.execPath,
    [GOFER, 'service', 'start', '--bind-address', '127.0.0.1:0', '--scheduler', engine, '--set', 'scheduler.process.idle_timeout=1'],
    {
      cwd: directory,
      env: environment(directory),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(server, 'exit');
  const stop = (): void => void server.kill('SIGTERM');
  interrupted.addEventListener('abort', stop);
  try {
    const env = environment(directory, await whenReady(server));
    const registered = await run('run the program, upload what it prints', ['up', 'examples/diamond'], env);
    const code = registered === 0 ? await run('start a run and watch it', ['run', 'start', 'diamond', '--follow'], env) : registered;
    if (code === 0) await run('what is known of it afterwards', ['run', 'get', 'diamond', '1'], env);
    return code;
  } finally {
    stop();
    await ended;
    await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
const code = await demo(interrupt.signal);
console.log(
  code === 0
    ? `
That was it; the server and everything it kept are gone. To go on:

  npx gofer service start                     a server that stays (http://localhost:8080/docs)
  npx gofer up examples/hello                 register your first pipeline (or write your own: docs/getting-started.md)
  npx gofer run start hello --follow          and run it`
    : '\nThe demo failed: see above.',
);
process.exitCode = interrupt.signal.aborted ? 130 : code;
