/** One connection of a server to the supervisor: takes its requests and answers them. */
import type { Socket } from 'node:net';
import { FrameReader, writeFrame } from '../frames.ts';
import { type ExecReply, type HelloReply, PROTOCOL_VERSION, type Request, type RequestFrame, type WaitReply } from '../protocol.ts';
import type { Answer } from './attempt.ts';
import type { Attempts } from './attempts.ts';
import { ExecCommand } from './exec-command.ts';
import { Refusal } from './refusal.ts';

export interface SessionOwner {
  readonly attempts: Attempts;
  /** True from the moment it goes: nothing is begun any more, and what is not answered is asked again of the next one. */
  readonly ending: boolean;
  hello(session: Session, request: Extract<Request, { op: 'hello' }>): void;
  /** Something came in: a part of a request is enough, since a large one takes its time. */
  touched(): void;
  goodbye(session: Session): void;
  closed(session: Session): void;
}

const NO_PARTS: readonly Uint8Array[] = [];
let sessions = 0;

export class Session {
  readonly socket: Socket;
  readonly #owner: SessionOwner;
  readonly #name = String(++sessions);
  /** `wait` and `read` requests that are not answered yet. */
  readonly #pending = new Set<number>();
  readonly #commands = new Map<number, ExecCommand>();
  #greeted = false;

  constructor(socket: Socket, owner: SessionOwner) {
    this.socket = socket;
    this.#owner = owner;
    const reader = new FrameReader((header, payload) => this.#receive(header as RequestFrame, payload));
    socket.on('data', (bytes: Buffer) => {
      owner.touched();
      try {
        reader.push(bytes);
      } catch (error) {
        process.stderr.write(`connection ${this.#name}: ${String(error)}\n`);
        socket.destroy();
      }
    });
    // The end of a server is nothing unusual; 'close' follows.
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#pending.clear();
      for (const command of this.#commands.values()) command.discard();
      this.#commands.clear();
      owner.closed(this);
    });
  }

  #receive({ id, request }: RequestFrame, payload: Uint8Array): void {
    if (this.#owner.ending) return;
    if (!this.#greeted && request.op !== 'hello') throw new Error(`${request.op} before hello`);
    this.#answer(id, request, payload).then(
      (answer) => {
        if (answer !== undefined) this.#send({ re: id, value: answer.reply }, answer.parts);
      },
      (error: unknown) => {
        if (!(error instanceof Refusal)) process.stderr.write(`${request.op}: ${error instanceof Error ? error.stack : String(error)}\n`);
        const code = error instanceof Refusal ? error.code : 'INTERNAL';
        this.#send({
          re: id,
          failure: {
            code,
            message: error instanceof Error ? error.message : String(error),
          },
        });
      },
    );
  }

  #send(header: object, parts: readonly Uint8Array[] = NO_PARTS): void {
    if (this.socket.writable) writeFrame(this.socket, header, parts);
  }

  /** Undefined: no answer. */
  async #answer(id: number, request: Request, payload: Uint8Array): Promise<Answer<unknown> | undefined> {
    const { attempts } = this.#owner;
    switch (request.op) {
      case 'hello': {
        this.#greeted = true;
        this.#owner.hello(this, request);
        return plain({
          version: PROTOCOL_VERSION,
          pid: process.pid,
          attempts: attempts.size,
        } satisfies HelloReply);
      }
      case 'start':
        return plain(await attempts.start(request, this.#requestName(id)));
      case 'abandon':
        await attempts.abandon(request.attempt, this.#requestName(request.start));
        return plain(null);
      case 'wait': {
        const attempt = attempts.get(request.attempt);
        return await this.#unlessCancelled(id, async () => plain({ exit: await attempt.ended } satisfies WaitReply));
      }
      case 'stop':
        await attempts.stop(request.attempt, request.graceMs);
        return plain(null);
      case 'remove':
        await attempts.remove(request.attempt);
        return plain(null);
      case 'inspect':
        return plain(attempts.inspect(request.attempt));
      case 'list':
        return plain(attempts.list(request.labels));
      case 'read': {
        const attempt = attempts.get(request.attempt);
        return await this.#unlessCancelled(id, () => attempt.read(request, () => !this.#pending.has(id)));
      }
      case 'kept':
        if (attempts.inspect(request.attempt).state !== 'gone') attempts.get(request.attempt).output.keep(request.to);
        return undefined;
      case 'cancel':
        this.#pending.delete(request.request);
        return undefined;
      case 'exec': {
        const command = await ExecCommand.start(attempts.get(request.attempt), request, attempts.pipes);
        if (this.socket.destroyed) command.discard();
        this.#commands.set(id, command);
        return plain({ exec: id } satisfies ExecReply);
      }
      case 'exec-read':
        return await this.#command(request.exec).read();
      case 'exec-input':
        await this.#command(request.exec).write(payload);
        return plain(null);
      case 'exec-resize':
        await this.#command(request.exec).resize(request.columns, request.rows);
        return plain(null);
      case 'exec-end':
        this.#commands.get(request.exec)?.discard();
        this.#commands.delete(request.exec);
        return undefined;
      case 'goodbye':
        this.#owner.goodbye(this);
        return undefined;
    }
  }

  /** Undefined where the request was cancelled meanwhile. */
  async #unlessCancelled<Reply>(id: number, ask: () => Promise<Answer<Reply> | undefined>): Promise<Answer<Reply> | undefined> {
    this.#pending.add(id);
    try {
      const answer = await ask();
      return this.#pending.has(id) ? answer : undefined;
    } finally {
      this.#pending.delete(id);
    }
  }

  #command(id: number): ExecCommand {
    const command = this.#commands.get(id);
    if (command === undefined) throw new Refusal('NOT_FOUND', 'the command has ended');
    return command;
  }

  #requestName(id: number): string {
    return `${this.#name}/${id}`;
  }
}

function plain(reply: unknown): Answer<unknown> {
  return { reply, parts: NO_PARTS };
}
