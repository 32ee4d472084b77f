/**
 * What crosses between the server's thread and the thread that keeps logs. Messages of one tick travel together: a message is a list
 * of calls in one direction, and a list of answers in the other. Calls are handled in their order; an answer may come later than
 * that of a call behind it, when it waits for output. A failure crosses as data.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Failure } from '@gofer/contracts';
import type { LogProgress } from './log-reader.ts';
import type { LogBatch, LogMasking, LogReadRequest, LogSeal } from './log-store.ts';
import type { ChunkMark } from './log-writer.ts';
import type { LogVerification } from './verify-log.ts';

/** What a log takes on the disk, its index included, and how many lines are in it. */
export interface LogSize {
  readonly bytes: number;
  readonly lines: number;
}

export interface RolledLog {
  readonly into: string;
  /** What it takes from the beginning, with the line that is not complete. */
  readonly bytes: number;
}

/** What can be asked of the keeper of logs: for each call what it takes and what it gives. */
export interface LogCalls {
  /** Makes ready for a source, and for masking it: where to go on, or the seal of a log that has ended. */
  open: {
    takes: { readonly attemptId: string; readonly masking?: LogMasking };
    gives: { readonly cursor?: string; readonly seal?: LogSeal };
  };
  /** Keeps output; the answer says that it is kept, or that it is dropped because the log cannot be written. */
  append: {
    takes: {
      readonly attemptId: string;
      readonly bytes: Uint8Array;
      readonly marks: readonly ChunkMark[];
    };
    gives: LogSize;
  };
  /**
   * Goes on in the next segment, which may be resumed as this one could; this one is sealed as it is. Null: that cannot be written, or no
   * line is complete yet, and this one stays.
   */
  roll: { takes: { readonly attemptId: string }; gives: RolledLog | null };
  /** Begins the next segment behind a sealed one, so that it can be gone on with as if that were not: its id. */
  rollSealed: { takes: { readonly attemptId: string; readonly masking?: LogMasking }; gives: string };
  note: {
    takes: { readonly attemptId: string; readonly text: string };
    gives: null;
  };
  seal: {
    takes: { readonly attemptId: string; readonly problem?: string };
    gives: LogSeal;
  };
  /** The source is given up for now: closes the files. */
  release: { takes: { readonly attemptId: string }; gives: null };
  stat: {
    takes: { readonly attemptId: string };
    gives: {
      readonly bytes: number;
      readonly lines: number;
      readonly seal?: LogSeal;
    };
  };
  /**
   * The next batch of a reader (named by a number, made by its first call at `from`); null at the end. Waits if `follow`. Progress in the
   * place of a batch asks for the next call: a search is made in pieces, between which others have the thread. `expected` says that a source is open: the log is made where there is none yet.
   */
  readNext: {
    takes: {
      readonly reader: number;
      readonly attemptId: string;
      readonly expected: boolean;
    } & Omit<LogReadRequest, 'signal'>;
    gives: LogBatch | LogProgress | null;
  };
  readClose: { takes: { readonly reader: number }; gives: null };
  verify: { takes: { readonly attemptId: string }; gives: LogVerification };
  delete: { takes: { readonly attemptId: string }; gives: null };
}

export type LogCallKind = keyof LogCalls;
export type LogCall = {
  [Kind in LogCallKind]: { readonly kind: Kind } & LogCalls[Kind]['takes'];
}[LogCallKind];
export type LogAnswer = LogCalls[LogCallKind]['gives'];

export type LogCallMessage = readonly {
  readonly id: number;
  readonly call: LogCall;
}[];
export type LogAnswerMessage = readonly (
  | { readonly id: number; readonly answer: LogAnswer }
  | { readonly id: number; readonly failure: Failure }
)[];

/** What a thread is started with. */
export interface LogThreadTask {
  readonly directory: string;
  /** `LogCallMessage` comes in, `LogAnswerMessage` goes out; closing it ends the thread's task. */
  readonly port: MessagePort;
}

/** Takes calls to a keeper of logs. */
export interface LogSession {
  /** Rejects with `LaneLost` where the thread died before it answered, and with the failure's code otherwise. */
  call<Kind extends LogCallKind>(kind: Kind, takes: LogCalls[Kind]['takes']): Promise<LogCalls[Kind]['gives']>;
}

/** The way to a keeper of logs, in this thread or another. Where the thread has died, a call reaches its successor. */
export interface LogLane extends LogSession {
  /**
   * The way to the thread that lives now, and to none after it: calls that build on each other (the output of one source) must not
   * reach a successor that has not seen the former ones.
   */
  session(): LogSession;
  close(): Promise<void>;
}

/** The thread died; what it was asked may have been done or not. */
export class LaneLost extends Error {
  override readonly name = 'LaneLost';
}
