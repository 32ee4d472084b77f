/** One more command inside a running task. */
import { MAX_BATCH_BYTES, type ReadReply } from '../protocol.ts';
import type { Answer, Attempt } from './attempt.ts';
import { Output } from './output.ts';
import type { PipePool } from './pipe-pool.ts';
import { type GroupExit, ProcessGroup } from './process-group.ts';
import { Refusal } from './refusal.ts';
import { killOnTerminal, onTerminal, resizeTerminal } from './terminal.ts';

export interface ExecOptions {
  readonly argv: readonly string[];
  readonly input: boolean;
  readonly tty: boolean;
}

const OUTPUT_BYTES = 256 * 1024;

export class ExecCommand {
  readonly #group: ProcessGroup;
  readonly #output: Output;
  readonly #tty: boolean;
  #position = 0;
  #exit: GroupExit | undefined;

  static async start(attempt: Attempt, { argv, input, tty }: ExecOptions, pipes: PipePool): Promise<ExecCommand> {
    if (attempt.state !== 'running') throw new Refusal('FAILED_PRECONDITION', `attempt ${attempt.id} does not run`);
    const output = new Output(OUTPUT_BYTES);
    const words = tty ? onTerminal(argv, attempt.env) : { argv, env: attempt.env };
    const group = await ProcessGroup.start({ ...words, directory: attempt.directory, umask: attempt.umask, input }, pipes, output);
    const command = new ExecCommand(group, output, tty);
    // The command is part of the task and ends with it.
    attempt.ended.then(
      () => command.end(),
      () => command.end(),
    );
    return command;
  }

  private constructor(group: ProcessGroup, output: Output, tty: boolean) {
    this.#tty = tty;
    this.#group = group;
    this.#output = output;
    group.exited.then(
      (exit) => {
        this.#exit = exit;
      },
      (error: unknown) => {
        throw error;
      },
    );
  }

  /** The next output, and with the last of it the exit code. Asking again forgets what was given. */
  async read(): Promise<Answer<ReadReply>> {
    this.#output.keep(this.#position);
    for (;;) {
      const batch = this.#output.read(this.#position, MAX_BATCH_BYTES);
      this.#position = batch.to;
      const end = this.#output.ended && batch.to === this.#output.received;
      if (end) {
        const { exitCode } = this.#exit ?? (await this.#group.exited);
        return {
          reply: { from: batch.from, pieces: batch.pieces, end, exitCode },
          parts: batch.parts,
        };
      }
      if (batch.parts.length > 0)
        return {
          reply: { from: batch.from, pieces: batch.pieces, end },
          parts: batch.parts,
        };
      await this.#output.more();
    }
  }

  /** Resolves when the command's standard input has taken the bytes; none mean its end. */
  async write(bytes: Uint8Array): Promise<void> {
    const stdin = this.#group.stdin;
    if (stdin === null || stdin.destroyed) return;
    await new Promise<void>((resolve) => {
      // An error means that the command does not read any more: its exit says the rest.
      if (bytes.length === 0) stdin.end(() => resolve());
      else stdin.write(bytes, () => resolve());
    });
  }

  /** Sets the size of its terminal; without one there is nothing to set. */
  async resize(columns: number, rows: number): Promise<void> {
    if (this.#tty) await resizeTerminal(this.#group.pid, columns, rows, () => this.#group.over);
  }

  end(): void {
    if (this.#group.over) return;
    if (this.#tty) killOnTerminal(this.#group.pid);
    this.#group.kill('SIGKILL');
  }

  /** Ends it and gives up its output. */
  discard(): void {
    this.end();
    this.#output.refuse(new Refusal('CANCELLED', 'the command was given up'));
    this.#group.discard();
  }
}
