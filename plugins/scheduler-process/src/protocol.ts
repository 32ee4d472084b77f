/**
 * What the plugin and the process supervisor say to each other over a unix domain socket. Every message is one frame (frames.ts): a
 * JSON header and, where noted, a payload of bytes. Requests of one connection may be answered in any order; an answer names its request.
 */
import type { ErrorCode, TaskExit } from '@gofer/contracts';

/** Changes whenever a message changes its meaning; a supervisor serves its own version only. */
export const PROTOCOL_VERSION = 2;

/** The exit code of a supervisor that found another one at work in its data directory (EX_TEMPFAIL). */
export const LOCKED_EXIT_CODE = 75;

/** The most bytes of output in one answer. */
export const MAX_BATCH_BYTES = 256 * 1024;

export interface SupervisorSettings {
  /** Bytes of unread output held for one task; a task that prints more waits. */
  readonly maxOutputMemory: number;
  /** How long the supervisor stays without work. */
  readonly idleTimeoutMs: number;
}

/** What a supervisor is started with: one JSON argument. */
export interface SupervisorArguments {
  readonly dataDirectory: string;
  readonly socketPath: string;
  readonly settings: SupervisorSettings;
}

export interface StartRequest {
  readonly op: 'start';
  readonly attempt: string;
  /** At least one word; the first is looked up in the `PATH` of `env`. */
  readonly argv: readonly string[];
  /** The task's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** `PATH` of a task that sets none. */
  readonly path: string;
  /** The file mode creation mask of the task. Absent: that of whoever started the supervisor. */
  readonly umask?: number;
  readonly labels: Readonly<Record<string, string>>;
  /** True: nothing of its environment and its output is ever written to a file. */
  readonly sensitive: boolean;
}

export type Request =
  /** The first message of a connection. Answer: `HelloReply`. */
  | {
      readonly op: 'hello';
      readonly version: number;
      readonly settings: SupervisorSettings;
    }
  /** Answer: `StartReply`, once the process runs. */
  | StartRequest
  /** Undoes the start request with this id, whatever has come of it; touches nothing that another request started. */
  | { readonly op: 'abandon'; readonly attempt: string; readonly start: number }
  /** Answer: `WaitReply`, once the task has ended. */
  | { readonly op: 'wait'; readonly attempt: string }
  /** Answer: nothing, once the task has ended. */
  | { readonly op: 'stop'; readonly attempt: string; readonly graceMs: number }
  | { readonly op: 'remove'; readonly attempt: string }
  /** Answer: `InspectReply`. */
  | { readonly op: 'inspect'; readonly attempt: string }
  /** Answer: `ListReply`. */
  | { readonly op: 'list'; readonly labels: Readonly<Record<string, string>> }
  /**
   * Answer: `ReadReply` and a payload, once there is output behind `after` or its end is known. Everything up to `kept` is forgotten.
   * Positions count bytes of both streams. A second reader takes the place of the first. Without `follow`, a running task's output ends
   * at `until`, which the first answer tells and the next requests repeat. Refused with `DATA_LOSS` where output was not kept because it
   * may hold secrets.
   */
  | {
      readonly op: 'read';
      readonly attempt: string;
      readonly after: number;
      readonly kept: number;
      readonly follow: boolean;
      readonly until?: number;
    }
  /** The reader has kept everything up to here. No answer. */
  | { readonly op: 'kept'; readonly attempt: string; readonly to: number }
  /** Answer: `ExecReply`. */
  | {
      readonly op: 'exec';
      readonly attempt: string;
      readonly argv: readonly string[];
      readonly input: boolean;
      readonly tty: boolean;
    }
  /** Answer: `ReadReply` and a payload; with `end`, `exitCode`. Asking again says that the bytes before were kept. */
  | { readonly op: 'exec-read'; readonly exec: number }
  /** A payload for the command's standard input; answered when it was taken. Without a payload: its end. */
  | { readonly op: 'exec-input'; readonly exec: number }
  /** The size of its terminal; answered when it was set. */
  | { readonly op: 'exec-resize'; readonly exec: number; readonly columns: number; readonly rows: number }
  /** Ends the command, if it still runs, and forgets it. */
  | { readonly op: 'exec-end'; readonly exec: number }
  /** Forget a `wait` or `read` of this connection. No answer to either. */
  | { readonly op: 'cancel'; readonly request: number }
  /** Answered by closing the connection: at once, or as the last thing before the supervisor is gone if it has nothing to keep. */
  | { readonly op: 'goodbye' };

export interface HelloReply {
  readonly version: number;
  readonly pid: number;
  /** Attempts that it keeps. Without any, a supervisor of another version makes way at once. */
  readonly attempts: number;
}
export interface StartReply {
  readonly startedAt: number;
}
export interface WaitReply {
  readonly exit: TaskExit;
}
export interface InspectReply {
  readonly state: 'created' | 'running' | 'exited' | 'gone';
  readonly exit?: TaskExit;
}
export interface ListReply {
  readonly tasks: readonly {
    readonly attempt: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly state: 'created' | 'running' | 'exited';
  }[];
}
export interface ExecReply {
  readonly exec: number;
}

/** One piece of a payload. */
export interface OutputPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly length: number;
  /** Epoch milliseconds at which its first byte was read from the task. */
  readonly time: number;
}
export interface ReadReply {
  /** Position before the first piece. */
  readonly from: number;
  readonly pieces: readonly OutputPiece[];
  /** True: nothing follows these pieces. */
  readonly end: boolean;
  readonly until?: number;
  readonly exitCode?: number;
}

/** From the plugin: a request and its id, unique within the connection. */
export interface RequestFrame {
  readonly id: number;
  readonly request: Request;
}

/** From the supervisor. */
export type SupervisorFrame =
  | { readonly re: number; readonly value: unknown }
  | {
      readonly re: number;
      readonly failure: { readonly code: ErrorCode; readonly message: string };
    }
  /** The supervisor goes because it has nothing to do; the connection's end is no accident. */
  | { readonly bye: true };
