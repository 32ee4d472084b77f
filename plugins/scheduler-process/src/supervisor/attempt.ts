/** One attempt as the supervisor knows it: being started, running or ended. */
import type { TaskExit } from '@gofer/contracts';
import { MAX_BATCH_BYTES, type ReadReply, type Request, type StartReply } from '../protocol.ts';
import type { Output, OutputBatch } from './output.ts';
import type { ProcessGroup } from './process-group.ts';
import { Refusal } from './refusal.ts';

export interface Answer<Reply> {
  readonly reply: Reply;
  readonly parts: readonly Uint8Array[];
}

/** What names an attempt and is known of it from its start. */
export interface AttemptOrigin {
  readonly attempt: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly sensitive: boolean;
}

type ReadRequest = Extract<Request, { op: 'read' }>;

export class Attempt {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Nothing of its environment and its output may be written to a file. */
  readonly sensitive: boolean;
  readonly directory: string;
  readonly output: Output;
  /** Names the request that started it. */
  readonly startedBy: string;
  /** The environment of its process; empty once it has ended. */
  env: Readonly<Record<string, string>> = {};
  /** Of its processes. */
  umask = 0o077;
  group: ProcessGroup | undefined;
  birth = '';
  startedAt = 0;
  exit: TaskExit | undefined;
  /** Why its output cannot be read any more, for whoever asks for it. */
  outputLoss: Refusal | undefined;
  /** Set by whoever wants it gone before it runs. */
  abandoned = false;
  /** Settles once the process runs or cannot. */
  started: Promise<StartReply> = Promise.resolve({ startedAt: 0 });
  /** Resolves with its end; rejects where it never ran. */
  readonly ended: Promise<TaskExit>;
  readonly #resolveEnd: (exit: TaskExit) => void;
  readonly #rejectEnd: (reason: Refusal) => void;

  constructor({ attempt, labels, sensitive }: AttemptOrigin, directory: string, output: Output, startedBy: string) {
    this.id = attempt;
    this.labels = labels;
    this.sensitive = sensitive;
    this.directory = directory;
    this.output = output;
    this.startedBy = startedBy;
    const end = Promise.withResolvers<TaskExit>();
    this.ended = end.promise;
    this.#resolveEnd = end.resolve;
    this.#rejectEnd = end.reject;
    // Nobody may be waiting.
    this.ended.catch(() => {});
  }

  get state(): 'created' | 'running' | 'exited' {
    if (this.exit !== undefined) return 'exited';
    return this.group === undefined ? 'created' : 'running';
  }

  /** Whether anything of it is still at work: being started, running, or with output left in its pipes. */
  get active(): boolean {
    return this.exit === undefined || !this.output.ended;
  }

  /** Whether its reader has kept all its output. */
  get wasRead(): boolean {
    return this.output.ended && this.output.kept === this.output.received;
  }

  end(exit: TaskExit): void {
    this.exit = exit;
    this.env = {};
    this.#resolveEnd(exit);
  }

  /** It never ran, or it is gone: whoever waits is told so. */
  forget(what: string): void {
    if (this.exit !== undefined && !this.output.awaited) return;
    const reason = new Refusal('NOT_FOUND', `attempt ${this.id} ${what}`);
    this.output.refuse(reason);
    this.#rejectEnd(reason);
  }

  /** Asks it to end, by force after `graceMs`; resolves when it has. */
  async stop(graceMs: number): Promise<void> {
    await this.started;
    if (this.exit !== undefined || this.group === undefined) return;
    const group = this.group;
    let timer: NodeJS.Timeout | undefined;
    if (graceMs <= 0) {
      group.kill('SIGKILL');
    } else {
      group.kill('SIGTERM');
      timer = setTimeout(() => group.kill('SIGKILL'), Math.min(graceMs, 2 ** 31 - 1));
    }
    await this.ended.finally(() => clearTimeout(timer));
  }

  /** The next output; undefined when `isCancelled` says that nobody wants it any more. */
  async read(request: ReadRequest, isCancelled: () => boolean): Promise<Answer<ReadReply> | undefined> {
    if (this.outputLoss !== undefined) throw this.outputLoss;
    const output = this.output;
    output.keep(request.kept);
    const until = request.until ?? (request.follow || this.exit !== undefined ? undefined : output.received);
    for (;;) {
      const batch = output.read(request.after, MAX_BATCH_BYTES);
      const end = (output.ended && batch.to === output.received) || (until !== undefined && this.exit === undefined && batch.to >= until);
      if (batch.parts.length > 0 || end) return toAnswer(batch, end, until);
      await output.more();
      if (isCancelled()) return undefined;
    }
  }
}

function toAnswer(batch: OutputBatch, end: boolean, until: number | undefined): Answer<ReadReply> {
  const reply: ReadReply = { from: batch.from, pieces: batch.pieces, end };
  return {
    reply: until === undefined ? reply : { ...reply, until },
    parts: batch.parts,
  };
}
