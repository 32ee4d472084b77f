/** A server and a folder in which the commands of a page are run as a reader would type them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from './markdown.ts';

const GOFER = join(ROOT, 'cli/bin/gofer.mjs');

/** The flag by which a server has cron and interval. */
export const STANDARD_EXTENSIONS = 'extensions.install_std_extensions=true';

/** What no page needs unless it says so: they are run beside each other, and each extension is a process. */
const DEFAULTS: readonly (readonly [key: string, value: string])[] = [
  ['scheduler.process.idle_timeout', '1'],
  ['external_events.enable', 'false'],
  ['extensions.install_std_extensions', 'false'],
];

export interface Finished {
  readonly code: number | null;
  /** Both outputs as they came. */
  readonly output: string;
}

export class DocsServer {
  readonly directory: string;
  readonly #environment: NodeJS.ProcessEnv;
  #server: ChildProcess | undefined;
  #url = '';
  /** Host and port; undefined where events from outside are not taken. */
  #events: string | undefined;

  private constructor(directory: string) {
    this.directory = directory;
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('GOFER_') && name !== 'NO_COLOR');
    this.#environment = {
      ...Object.fromEntries(kept),
      HOME: directory,
      XDG_STATE_HOME: join(directory, 'state'),
      PATH: [join(directory, 'bin'), join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
    };
  }

  static async open(serverFlags: readonly string[] = ['--scheduler', 'process']): Promise<DocsServer> {
    const docs = new DocsServer(await mkdtemp(join(tmpdir(), 'gofer-docs-')));
    await mkdir(join(docs.directory, 'bin'));
    // `npx gofer` without npm's own second of start-up.
    const shim = join(docs.directory, 'bin/npx');
    await writeFile(shim, `#!/bin/sh\nshift\nexec "${process.execPath}" "${GOFER}" "$@"\n`);
    await chmod(shim, 0o755);
    for (const name of ['examples', 'node_modules']) await symlink(join(ROOT, name), join(docs.directory, name));
    try {
      await docs.start(serverFlags);
      // The server is ready before they are; this waits until they run.
      if (serverFlags.includes(STANDARD_EXTENSIONS)) await docs.run('npx gofer extension enable cron; npx gofer extension enable interval');
    } catch (error) {
      await docs.close();
      throw error;
    }
    return docs;
  }

  /** On the port it had before, if it had one. Resolves with the line that says that it is ready. */
  async start(flags: readonly string[] = ['--scheduler', 'process']): Promise<string> {
    const bind = this.#url === '' ? '127.0.0.1:0' : new URL(this.#url).host;
    const rest = DEFAULTS.filter(([key]) => !flags.some((flag) => flag.startsWith(`${key}=`))).flatMap((each) => ['--set', each.join('=')]);
    const server = spawn(process.execPath, [GOFER, 'service', 'start', '--bind-address', bind, ...flags, ...rest], {
      cwd: this.directory,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#server = server;
    const said: string[] = [];
    server.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
    for await (const line of createInterface({ input: server.stdout })) {
      said.push(line);
      const url = /is ready at (http:\/\/[^\s"]+)/.exec(line)?.[1];
      if (url === undefined) continue;
      this.#url = url;
      this.#events = /externalEvents\W+http:\/\/([^\s"]+)"/.exec(line)?.[1];
      server.stdout.resume();
      return line;
    }
    throw new Error(`the server ended before it was ready:\n${said.join('\n')}`);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGTERM');
    await ended;
  }

  /** Runs a script with `localhost:8080` being this server, `localhost:8081` its events from outside; ends at its first command that fails. */
  async run(script: string): Promise<Finished> {
    const own = new URL(this.#url).host;
    const text = script.replaceAll(/localhost:8080|127\.0\.0\.1:8080/g, own).replaceAll('localhost:8081', this.#events ?? 'localhost:8081');
    const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', `exec 2>&1\n${text}`], {
      cwd: this.directory,
      env: { ...this.#environment, GOFER_API_BASE_URL: this.#url },
      stdio: ['ignore', 'pipe', 'ignore'],
      // A process group, so that what a script that failed has left in the background ends with it.
      detached: true,
    });
    child.once('exit', () => endGroup(child));
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [code] = await once(child, 'close');
    const output = Buffer.concat(chunks).toString('utf8').replaceAll(own, '127.0.0.1:8080');
    return { code: typeof code === 'number' ? code : null, output };
  }

  async close(): Promise<void> {
    await this.stop();
    // The supervisor of the process engine ends by itself a second after its last task, and may still write until then.
    await rm(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
