import type { MessagePort } from 'node:worker_threads';
import { MessageChannel } from 'node:worker_threads';
import { fromFailure } from '@gofer/contracts';
import type { Piscina } from 'piscina';
import type {
  LogAnswer,
  LogAnswerMessage,
  LogCall,
  LogCallKind,
  LogCallMessage,
  LogCalls,
  LogLane,
  LogSession,
  LogThreadTask,
} from './protocol.ts';
import { LaneLost } from './protocol.ts';

interface Pending {
  resolve(answer: LogAnswer): void;
  reject(error: Error): void;
}

/** Up to this size a copy is cheaper than handing memory over. */
const COPY_BYTES = 16 * 1024;

/** One life of a thread: from its start to its end or death. */
class ThreadLife implements LogSession {
  readonly ended: Promise<void>;
  readonly #port: MessagePort;
  readonly #pending = new Map<number, Pending>();
  #calls: LogCallMessage[number][] = [];
  #memory: ArrayBuffer[] = [];
  #nextId = 0;
  #lost: LaneLost | undefined;

  constructor(pool: Piscina, directory: string) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on('message', (message: LogAnswerMessage) => this.#receive(message));
    const task: LogThreadTask = { directory, port: port2 };
    this.ended = pool.run(task, { transferList: [port2] }).then(
      () => this.#end(new LaneLost('the thread that keeps the logs has ended')),
      (error: unknown) => this.#end(new LaneLost(`the thread that keeps the logs died: ${String(error)}`, { cause: error })),
    );
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  call<Kind extends LogCallKind>(kind: Kind, takes: LogCalls[Kind]['takes']): Promise<LogCalls[Kind]['gives']> {
    // The compiler does not connect a call of a kind with the answer of the same kind; the keeper's switch does.
    return this.#call({ kind, ...takes } as LogCall);
  }

  /** Asks the thread to end; what is still pending is rejected. */
  end(): Promise<void> {
    this.#port.close();
    return this.ended;
  }

  #call(call: LogCall): Promise<LogAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== undefined) {
        reject(this.#lost);
        return;
      }
      const id = this.#nextId++;
      this.#pending.set(id, { resolve, reject });
      if (this.#calls.length === 0) setImmediate(() => this.#flush());
      this.#calls.push({ id, call });
      // The memory of an append is the call's own; a small one is copied with the message.
      if (call.kind === 'append' && call.bytes.length > COPY_BYTES && call.bytes.buffer instanceof ArrayBuffer)
        this.#memory.push(call.bytes.buffer);
    });
  }

  #flush(): void {
    const message: LogCallMessage = this.#calls;
    const memory = this.#memory;
    this.#calls = [];
    this.#memory = [];
    if (this.#lost === undefined) this.#port.postMessage(message, memory);
  }

  #receive(message: LogAnswerMessage): void {
    for (const entry of message) {
      const pending = this.#pending.get(entry.id);
      this.#pending.delete(entry.id);
      if ('failure' in entry) pending?.reject(fromFailure(entry.failure));
      else pending?.resolve(entry.answer);
    }
  }

  #end(lost: LaneLost): void {
    this.#lost = lost;
    this.#port.close();
    for (const pending of this.#pending.values()) pending.reject(lost);
    this.#pending.clear();
  }
}

/** Keeps logs on a thread of a pool, and on its successor when it dies. */
export class ThreadLane implements LogLane {
  readonly #pool: Piscina;
  readonly #directory: string;
  #life: ThreadLife;
  #closed = false;

  constructor(pool: Piscina, directory: string) {
    this.#pool = pool;
    this.#directory = directory;
    this.#life = new ThreadLife(pool, directory);
  }

  call<Kind extends LogCallKind>(kind: Kind, takes: LogCalls[Kind]['takes']): Promise<LogCalls[Kind]['gives']> {
    return this.session().call(kind, takes);
  }

  session(): LogSession {
    if (this.#life.lost && !this.#closed) this.#life = new ThreadLife(this.#pool, this.#directory);
    return this.#life;
  }

  close(): Promise<void> {
    this.#closed = true;
    return this.#life.end();
  }
}
