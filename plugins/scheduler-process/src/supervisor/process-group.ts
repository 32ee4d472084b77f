/**
 * One command as a process group in a session of its own, its output collected. When its first process ends, the rest of the group is
 * killed and its pipes close. What has left the group is looked for by its session and its working directory where it still holds the
 * output; a program that has left all of these as well (a daemon that means to) outlives its task.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { OutputPiece } from '../protocol.ts';
import type { Output } from './output.ts';
import type { OutputPipe, PipePool } from './pipe-pool.ts';
import { readProcessTable, workingDirectoryOf } from './process-table.ts';
import { Refusal, systemCode } from './refusal.ts';

export interface GroupOptions {
  readonly argv: readonly string[];
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  readonly umask: number;
  /** True: its standard input is `stdin`; else it is empty. */
  readonly input: boolean;
}

export interface GroupExit {
  /** 128 + n for one ended by signal n. */
  readonly exitCode: number;
  readonly reason?: string;
}

/** How long a process that left the group may keep the output open before its session is searched for and killed. */
const STRAY_GRACE_MS = 300;
/** How long after that what still holds the output open is waited for. */
const CLOSE_GRACE_MS = 1000;
const READ_BYTES = 64 * 1024;
/** Every read lands here and is copied out at once. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

export class ProcessGroup {
  readonly #child: ChildProcess;
  readonly pid: number;
  readonly #output: Output;
  readonly #directory: string;
  readonly #streams = new Set<Readable>();
  /** Resolves when the first process has ended. */
  readonly exited: Promise<GroupExit>;
  #over = false;
  #paused = false;
  #straysSought = false;
  #grace: NodeJS.Timeout | undefined;

  /** Starts a command; rejects with the reason for the user where it cannot be executed. */
  static async start(options: GroupOptions, pipes: PipePool, output: Output): Promise<ProcessGroup> {
    let stdout: OutputPipe | undefined;
    let stderr: OutputPipe | undefined;
    let child: ChildProcess;
    try {
      stdout = await pipes.take();
      stderr = stdout === undefined ? undefined : await pipes.take();
      child = spawnWith(options, stdout?.writeFd ?? 'pipe', stderr?.writeFd ?? 'pipe');
      if (child.pid === undefined) await new Promise((_, reject) => child.once('error', reject));
    } catch (error) {
      for (const pipe of [stdout, stderr]) {
        if (pipe === undefined) continue;
        closeSync(pipe.readFd);
        closeSync(pipe.writeFd);
        pipe.release(true);
      }
      throw toRefusal(error, options);
    }
    return new ProcessGroup(child, child.pid ?? 0, options.directory, output, stdout, stderr);
  }

  private constructor(
    child: ChildProcess,
    pid: number,
    directory: string,
    output: Output,
    stdout: OutputPipe | undefined,
    stderr: OutputPipe | undefined,
  ) {
    this.#child = child;
    this.pid = pid;
    this.#output = output;
    this.#directory = directory;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#over = true;
        this.#signalGroup('SIGKILL');
        if (this.#streams.size > 0 && !this.#paused) this.#awaitClose();
        if (signal === null) resolve({ exitCode: code ?? 0 });
        else
          resolve({
            exitCode: 128 + (constants.signals[signal] ?? 0),
            reason: `killed by ${signal}`,
          });
      });
    });
    child.on('error', (error) => process.stderr.write(`process ${pid}: ${String(error)}\n`));
    // A command that does not read its input is not a fault.
    child.stdin?.on('error', () => {});
    this.#collect('stdout', stdout, child.stdout);
    this.#collect('stderr', stderr, child.stderr);
    output.onKept = () => this.#resume();
  }

  get over(): boolean {
    return this.#over;
  }

  get stdin(): ChildProcess['stdin'] {
    return this.#child.stdin;
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (!this.#over) this.#signalGroup(signal);
  }

  /** Reads no more: the output ends here. */
  discard(): void {
    clearTimeout(this.#grace);
    for (const stream of this.#streams) stream.destroy();
  }

  #signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      // ESRCH: nobody is left in it. EPERM: what is left became another user.
      if (systemCode(error) !== 'ESRCH' && systemCode(error) !== 'EPERM') throw error;
    }
  }

  #collect(name: OutputPiece['stream'], pipe: OutputPipe | undefined, connected: Readable | null): void {
    const take = (bytes: Buffer): void => {
      this.#output.append(name, bytes, Date.now());
      if (this.#output.full) this.#pause();
    };
    let stream: Readable;
    if (pipe === undefined) {
      if (connected === null) throw new Error(`process ${this.pid} has no ${name}`);
      stream = connected.on('data', take);
    } else {
      closeSync(pipe.writeFd);
      const onread = {
        buffer: shared,
        callback: (length: number): boolean => {
          take(shared.subarray(0, length));
          return !this.#paused;
        },
      };
      stream = new Socket({
        fd: pipe.readFd,
        readable: true,
        writable: false,
        onread,
      });
      stream.resume();
    }
    let ended = false;
    stream.once('end', () => {
      ended = true;
    });
    stream.on('error', (error) => process.stderr.write(`${name} of process ${this.pid}: ${String(error)}\n`));
    stream.once('close', () => {
      pipe?.release(ended);
      this.#streams.delete(stream);
      if (this.#streams.size > 0) return;
      clearTimeout(this.#grace);
      this.#output.end();
    });
    this.#streams.add(stream);
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    clearTimeout(this.#grace);
    for (const stream of this.#streams) stream.pause();
  }

  #resume(): void {
    if (!this.#paused || !this.#output.roomy) return;
    this.#paused = false;
    for (const stream of this.#streams) stream.resume();
    if (this.#over && this.#streams.size > 0) this.#awaitClose();
  }

  /** After the end: whoever still holds the output open left the group, and is looked for by its session and its working directory and killed, then no longer listened to. */
  #awaitClose(): void {
    clearTimeout(this.#grace);
    const grace = this.#straysSought ? CLOSE_GRACE_MS : STRAY_GRACE_MS;
    this.#grace = setTimeout(() => {
      if (this.#straysSought) return this.discard();
      this.#straysSought = true;
      for (const row of readProcessTable()) {
        if (row.session !== this.pid && workingDirectoryOf(row.pid) !== this.#directory) continue;
        try {
          process.kill(row.pid, 'SIGKILL');
        } catch (error) {
          if (systemCode(error) !== 'ESRCH' && systemCode(error) !== 'EPERM') throw error;
        }
      }
      this.#awaitClose();
    }, grace);
  }
}

/** Forks at once, so that the mask is the child's and never that of what this process writes (which says its own modes beside it). */
function spawnWith({ argv, directory, env, umask, input }: GroupOptions, stdout: number | 'pipe', stderr: number | 'pipe'): ChildProcess {
  const own = process.umask(umask);
  try {
    const stdio: StdioOptions = [input ? 'pipe' : 'ignore', stdout, stderr];
    return spawn(argv[0] ?? '', argv.slice(1), { cwd: directory, env, detached: true, stdio });
  } finally {
    process.umask(own);
  }
}

function toRefusal(error: unknown, { argv }: GroupOptions): Refusal {
  const name = JSON.stringify(argv[0] ?? '');
  switch (systemCode(error)) {
    case 'ENOENT':
      return new Refusal(
        'INVALID_ARGUMENT',
        `the command ${name} was not found on the task's PATH, or the interpreter of its first line was not`,
      );
    case 'EACCES':
      return new Refusal('INVALID_ARGUMENT', `the command ${name} may not be executed: permission denied`);
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
    case 'ENOEXEC':
      return new Refusal(
        'INVALID_ARGUMENT',
        `the command ${name} cannot be executed: ${error instanceof Error ? error.message : String(error)}`,
      );
    case 'ERR_INVALID_ARG_VALUE':
    case 'ERR_INVALID_ARG_TYPE':
      return new Refusal('INVALID_ARGUMENT', `the command ${name} cannot be executed: ${withoutValue(error)}`);
    case 'E2BIG':
      return new Refusal(
        'INVALID_ARGUMENT',
        `the command ${name} cannot be executed: its arguments and environment are too long for this system`,
      );
    default:
      return new Refusal(
        'UNAVAILABLE',
        `no process could be started for ${name}: ${error instanceof Error ? error.message : String(error)}`,
      );
  }
}

/** Node's words about an argument, without the value that they quote: it may be that of a variable. */
function withoutValue(error: unknown): string {
  const [words = ''] = (error instanceof Error ? error.message : String(error)).split(' Received ');
  return words.replace(/\.$/, '');
}
