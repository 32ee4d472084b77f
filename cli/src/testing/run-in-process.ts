import { Readable, Writable } from 'node:stream';
import { runCli } from '../run-cli.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string | Uint8Array | Readable;
  /** Outputs that count as terminals. */
  readonly terminals?: readonly ('stdout' | 'stderr')[];
  readonly workingDirectory?: string;
  readonly now?: () => number;
  /** Given what arrived on stdout, once per write. */
  readonly onStdout?: (all: string, signal: (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void) => void;
  /** Given each piece of stdout as it is. */
  readonly onBytes?: (chunk: Uint8Array) => void;
  /** Given what sends a signal, before anything runs. */
  readonly onStart?: (signal: (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void) => void;
}

/** Runs a command line as the process would, but in this one: quick, and with its outputs kept. */
export async function runInProcess(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const listeners = new Map<string, Set<() => void>>();
  const signal = (name: string) => {
    for (const listener of listeners.get(name) ?? []) listener();
  };
  const { terminals = [], onBytes } = options;
  const collector = (name: 'stdout' | 'stderr', chunks: string[], told: () => void) =>
    Object.assign(
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          chunks.push(chunk.toString('utf8'));
          if (name === 'stdout') onBytes?.(chunk);
          told();
          done();
        },
      }),
      { isTTY: terminals.includes(name) },
    );
  options.onStart?.(signal);
  const directory = options.workingDirectory ?? process.cwd();
  const code = await runCli(argv, {
    env: { PATH: process.env.PATH, HOME: directory, ...options.env },
    stdin: toStream(options.stdin),
    stdout: collector('stdout', stdout, () => options.onStdout?.(stdout.join(''), signal)),
    stderr: collector('stderr', stderr, () => undefined),
    workingDirectory: directory,
    homeDirectory: directory,
    node: process.execPath,
    version: '0.0.0-test',
    now: options.now ?? Date.now,
    setUmask: (mask) => process.umask(mask),
    onSignal(name, listener) {
      const known = listeners.get(name) ?? new Set();
      listeners.set(name, known.add(listener));
      return () => known.delete(listener);
    },
  });
  return { code, stdout: stdout.join(''), stderr: stderr.join('') };
}

function toStream(stdin: RunOptions['stdin'] = ''): Readable {
  if (stdin instanceof Readable) return stdin;
  const bytes = Buffer.from(stdin as Uint8Array);
  return Readable.from(bytes.length === 0 ? [] : [bytes]);
}
