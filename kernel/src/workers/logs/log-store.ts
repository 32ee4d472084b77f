import type { Readable } from 'node:stream';
import type { LogChunk } from '@gofer/contracts';
import type { LineSelection } from './line-selection.ts';
import type { LogVerification } from './verify-log.ts';

/** Which output a line belongs to: one of the task's two, or Gofer's own words in the task's log. */
export type LogStream = 'stdout' | 'stderr' | 'gofer';

/** The last word on a log: after it nothing changes. */
export interface LogSeal {
  /** Lines kept. A last line without a newline counts; a line longer than 1 MiB counts once for each piece it is kept in. */
  readonly lines: number;
  /** Bytes kept. */
  readonly bytes: number;
  /** SHA-256 of the bytes kept, in lower-case hex. */
  readonly sha256: string;
  /** True: every byte of the task's output is here. */
  readonly complete: boolean;
  /** Why it is not complete, for a person; at most 400 bytes of UTF-8. Present if and only if `complete` is false. */
  readonly problem?: string;
}

/** What is known about a log now. */
export interface LogStat {
  /** That can be read: fewer than its seal says where its file was cut on the disk. */
  readonly bytes: number;
  readonly lines: number;
  /** Present once the log is sealed. */
  readonly seal?: LogSeal;
  /** True while this process collects it. */
  readonly live: boolean;
}

/** What must not be kept in a log; plain data. Nothing of it is ever written or named in an error. */
export interface LogMasking {
  /** Secrets. One with fewer than `SHORTEST_MASKED` characters, without the white space around it, is not masked. */
  readonly values: readonly string[];
  /** 32 bytes; seals what is held back between chunks. */
  readonly key: Uint8Array;
}

export interface CollectOptions {
  /**
   * The scheduler's capability of that name. Without it a chunk is written before the source is asked for the next one, as asking
   * says that the former were kept; with it up to 4 MiB are on their way at a time.
   */
  readonly replay: boolean;
  /** Absent: the output is kept as it is. */
  readonly masking?: LogMasking;
  /** Absent: it all goes into one log. */
  readonly cut?: LogCut;
}

/**
 * Has output go on in another log, its next segment, where the one that it goes into has become large; those before are sealed. A line,
 * and a secret, that is cut in two by that is not: what is not decided yet goes on in the next one.
 */
export interface LogCut {
  /** Of a log with its index, about, and without the line that it begins with. */
  readonly bytes: number;
  /** From now on there may be a next one. */
  begins(): void;
  /** It goes on there, or where it went on before. Nothing more is taken from the source until this has resolved. */
  done(attemptId: string): Promise<void>;
  /** The id of the log to go on in, once the thread that wrote has died. */
  last(): Promise<string>;
}

/**
 * Opens a source behind the cursor `after`, or from its beginning; may be called again. The source must end or reject when `signal`
 * aborts.
 */
export type OpenLogSource = (after: string | undefined, signal: AbortSignal) => AsyncIterable<LogChunk>;

export interface LogReadRequest {
  /** Where to begin: a line's number, counted from 0, or the cursor of a batch (continue behind it). Absent: at the beginning. */
  readonly from?: { readonly line: number } | { readonly cursor: string };
  /** True: wait for more until the log is sealed. False: end at what is kept now. */
  readonly follow: boolean;
  /** `lines`: UTF-8 and where each line ends, for one frame a line. `json`: rendered text, for one frame a batch. */
  readonly format: 'lines' | 'json';
  /** Absent: all lines. Its expression has no faults (`expressionFault`). */
  readonly select?: LineSelection;
  /** `lines`: each behind the time that it came (RFC 3339, UTC, milliseconds) and a space. */
  readonly timestamps?: boolean;
  /** `json`: stands before the cursor in the text, as a name of the log that it is one of. */
  readonly cursorPrefix?: string;
  /** Added to the numbers of lines that are told. */
  readonly lineOffset?: number;
  readonly signal: AbortSignal;
}

interface LogBatchPosition {
  /** The number of the first line, counted from 0. */
  readonly firstLine: number;
  /** How many lines there are; 1 or more. */
  readonly count: number;
  /** Names the end of this batch; opaque. Good across restarts of the server. */
  readonly cursor: string;
}

/** Lines that follow each other, came from one stream and were completed by the same piece of output. */
export interface LogRun {
  readonly stream: LogStream;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly lines: number;
}

/**
 * Whole lines, about 256 KiB of them at most (a single line has up to 1 MiB). What is not valid UTF-8 is U+FFFD here; the file keeps
 * the bytes. A line over 1 MiB comes in several pieces of which only the last ends with a newline.
 */
export type LogBatch =
  | (LogBatchPosition & {
      readonly format: 'lines';
      /** UTF-8, newlines included. Line `i` is `text.subarray(ends[i - 1] ?? 0, ends[i])`. */
      readonly text: Uint8Array;
      readonly ends: Uint32Array;
      /** In order; their `lines` add up to `count`. */
      readonly runs: readonly LogRun[];
    })
  | (LogBatchPosition & {
      readonly format: 'json';
      /**
       * UTF-8 of `{"cursor":string,"firstLine":number,"lines":[{"stream":LogStream,"time":number,"text":string,"number"?:number,
       * "continued"?:true}]}`. `text` has no newline; `continued` says that the next piece of this stream belongs to the same line;
       * `number`, counted from 0, is there where lines are selected.
       */
      readonly json: Uint8Array;
    });

/**
 * Keeps and reads the output of attempts. There is one store to a directory at a time. An `attemptId` is 2 to 64 of `[A-Za-z0-9-]`;
 * another is refused with `INVALID_ARGUMENT`. After `close` every method that answers with a promise rejects with `UNAVAILABLE`.
 */
export interface LogStore {
  /**
   * Drains a source into the attempt's log, from the last cursor kept until the source ends, then seals it, and resolves with the seal
   * (at once, without opening the source, where it is sealed already). Rejects with `CANCELLED` when `signal` aborts, and with the
   * source's own error where the source fails: then nothing is sealed, and a later `collect` goes on without a gap or a repetition.
   * Where the log cannot be written (a full disk) the source is drained all the same, so that the task is not blocked, and the seal is
   * not complete and says why. Rejects with `FAILED_PRECONDITION` while another `collect` of this attempt is going on.
   *
   * With `masking`, `[redacted]` stands in the log for each value, for each line of a value with several, and for the base64, URL and
   * JSON encodings of both, wherever chunks and lines are broken within them; what is kept does not depend on where the output was
   * cut. What may be the beginning of a secret is held back until more output, or the end, decides it: no byte of it reaches the disk
   * in clear, and the death of the process does not lose it. So a log that was begun with masking must be collected with masking:
   * rejects with `FAILED_PRECONDITION`, before the source is opened, without it or where what is held back was sealed with another
   * key (other values are fine). Rejects with `INVALID_ARGUMENT` for a key that is not 32 bytes.
   */
  collect(attemptId: string, open: OpenLogSource, signal: AbortSignal, options: CollectOptions): Promise<LogSeal>;

  /**
   * Appends words of Gofer's own, such as why an image could not be pulled, as lines of the stream `gofer`; makes the log where there is
   * none. They are not masked. Rejects with `FAILED_PRECONDITION` where it is sealed, with `STORAGE_FULL` or `INTERNAL` where it cannot
   * be written, and with `UNAVAILABLE` where the thread died before it answered (the words may then be there or not).
   */
  note(attemptId: string, text: string): Promise<void>;

  /**
   * Ends a log without a source: after `note`, or empty, or (with `problem`) one whose source is lost. A sealed log keeps its first
   * seal, which is the result. What masking holds back from an earlier `collect` may be missing, as its key is not given here: then
   * the seal is not complete and says so. Rejects with `FAILED_PRECONDITION` while it is collected.
   */
  seal(attemptId: string, problem?: string): Promise<LogSeal>;

  /**
   * Begins the next segment behind one that is sealed though its source goes on, and resolves with its id: there `collect` goes on without
   * a gap or a repetition. Rejects with `FAILED_PRECONDITION` where it is not sealed or has no line, or as `collect` does for `masking`, and
   * with `STORAGE_FULL` or `INTERNAL` where the next one cannot be written.
   */
  goOnBehind(attemptId: string, masking?: LogMasking): Promise<string>;

  /** Rejects with `NOT_FOUND` where there is no log. */
  stat(attemptId: string): Promise<LogStat>;

  /**
   * The lines, numbered in the order they were completed, in batches. A line still being written is delivered when it is complete,
   * grows over 1 MiB, or the log is sealed. A consumer that is slow holds only itself. Rejects with `NOT_FOUND` where there is no log,
   * with `INVALID_ARGUMENT` for a cursor that is not one of this log, with `GONE` when the log is deleted meanwhile and with
   * `CANCELLED` when `signal` aborts. A line number behind the end yields nothing, or waits for that line; `select.lines` ends at its
   * last line, also where `follow` is true. What is selected is found without loading the log: by the index alone, but for `grep`,
   * which reads the data. Rejects with `DATA_LOSS` where a sealed log's files are not whole, behind what can be read.
   */
  read(attemptId: string, request: LogReadRequest): AsyncIterable<LogBatch>;

  /**
   * The bytes as kept, without a line that is still being written. `size` is the whole log's size now; `stream` yields `start` (from 0)
   * to `end` (inclusive, as in HTTP; absent or behind the end: to the end). Rejects with `NOT_FOUND` where there is no log, and with
   * `INVALID_ARGUMENT` where `start` lies behind the end of a log that is not empty. The caller reads or destroys the stream.
   */
  raw(attemptId: string, range?: { readonly start: number; readonly end?: number }): Promise<{ size: number; stream: Readable }>;

  /** How many `read` and `raw` streams of this attempt are open in this store now. A `read` is open once its first batch is asked for. */
  readers(attemptId: string): number;

  /** Compares the data with the index and both with the seal, reading them whole. Rejects with `NOT_FOUND` where there is no log. */
  verify(attemptId: string): Promise<LogVerification>;

  /** Removes a log; succeeds where there is none. Rejects with `FAILED_PRECONDITION` while it is collected. */
  delete(attemptId: string): Promise<void>;

  /** Cancels every reader and collector, leaves unsealed logs to be resumed, and ends the threads. May be called twice. */
  close(): Promise<void>;
}
