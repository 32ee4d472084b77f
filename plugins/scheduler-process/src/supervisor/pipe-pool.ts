/**
 * Pipes for the tasks' output. Node connects a child by sockets, and a socket cannot be opened again by its name: `echo oops >/dev/stderr`
 * would fail in every task. So output goes through named pipes, made in advance and used again once nobody holds them open.
 */
import { execFile } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Both ends of one pipe, open. Whoever takes it closes `writeFd` once the child has it, and reads `readFd` to its end or closes it. */
export interface OutputPipe {
  readonly readFd: number;
  readonly writeFd: number;
  /** Gives the pipe back after both ends were closed here. `ended` says that its end was read: nobody else holds it. */
  release(ended: boolean): void;
}

const FIRST_BATCH = 32;
const LARGEST_BATCH = 256;

export class PipePool {
  readonly #directory: string;
  readonly #free: string[] = [];
  #made = 0;
  #growing: Promise<void> | undefined;

  /** Nobody else may use the directory; what an earlier process has left there goes. */
  constructor(directory: string) {
    // An earlier one may have been killed while pipes were being made, and they go on being made.
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
    this.#directory = join(directory, String(process.pid));
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  /** Opens a pipe; undefined where this system or file system has none, and the child must do with a socket. */
  async take(): Promise<OutputPipe | undefined> {
    while (this.#free.length === 0) {
      try {
        await this.grow();
      } catch (error) {
        process.stderr.write(`no named pipes in ${this.#directory}: ${String(error)}\n`);
        return undefined;
      }
    }
    const path = this.#free.pop() ?? '';
    // A reader must be there before a writer can open without waiting; the writer's end is a description of its own, so it blocks as programs expect.
    const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    let writeFd: number;
    try {
      writeFd = openSync(path, constants.O_WRONLY);
    } catch (error) {
      closeSync(readFd);
      this.#free.push(path);
      throw error;
    }
    const release = (ended: boolean) => {
      // What somebody may still write to must not meet another task's output.
      if (ended) this.#free.push(path);
      else unlinkSync(path);
    };
    return { readFd, writeFd, release };
  }

  /** Makes more pipes, each time as many as there are. */
  grow(): Promise<void> {
    this.#growing ??= new Promise<void>((resolve, reject) => {
      const count = Math.min(Math.max(FIRST_BATCH, this.#made), LARGEST_BATCH);
      const paths = Array.from({ length: count }, (_, index) => join(this.#directory, String(this.#made + index)));
      this.#made += count;
      execFile('mkfifo', ['-m', '600', ...paths], { env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' } }, (error) => {
        this.#growing = undefined;
        if (error !== null) return reject(error);
        this.#free.push(...paths);
        resolve();
      });
    });
    return this.#growing;
  }
}
