/** The log of one start: its output from the beginning or where an earlier server has left it, to its seal. */
import { codeOf, type LogChunk, type PluginLog } from '@gofer/contracts';
import { type Clock, pause } from '../clock/clock.ts';
import type { BoundedLogs, LogMasking } from '../workers/logs/index.ts';
import type { RunningExtension } from './extension-host.ts';

export interface ExtensionLogParts {
  readonly logs: BoundedLogs;
  readonly clock: Clock;
  readonly log: PluginLog;
}

const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 10_000;
/** How long the output may still take to end once the extension has. */
const LATE_OUTPUT_MS = 10_000;

/** Resolves once the log is sealed, or rejects where `leave` aborts first: then the next server goes on with it. */
export async function collectExtensionLog(
  uid: string,
  running: Pick<RunningExtension, 'ended' | 'logs'>,
  options: { readonly replay: boolean; readonly masking: LogMasking },
  { logs, clock }: Pick<ExtensionLogParts, 'logs' | 'clock'>,
  leave: AbortSignal,
): Promise<void> {
  const late = new AbortController();
  void running.ended.then(() => clock.after(LATE_OUTPUT_MS, () => late.abort()));
  const signal = AbortSignal.any([leave, late.signal]);
  for (let ms = FIRST_RETRY_MS; ; ms = Math.min(ms * 2, LAST_RETRY_MS)) {
    try {
      await logs.collect(uid, (after, reading) => running.logs(after, reading), signal, options);
      return;
    } catch (error) {
      leave.throwIfAborted();
      const isFinal = codeOf(error) === 'NOT_FOUND' || codeOf(error) === 'DATA_LOSS' || codeOf(error) === 'FAILED_PRECONDITION';
      if (late.signal.aborted || isFinal) {
        await logs.seal(uid, `the output could not be read to its end: ${messageOf(error)}`);
        return;
      }
      await pause(clock, ms, signal).catch(() => {
        // Woken early, by the extension's end or by ours: the next turn finds out which.
      });
    }
  }
}

/** `tooMuch` aborts, saying why, when more than `limit` bytes of `output` have been read. */
export function countOutput(
  running: RunningExtension,
  limit: number,
): { readonly output: Pick<RunningExtension, 'ended' | 'logs'>; readonly tooMuch: AbortSignal } {
  const over = new AbortController();
  let written = 0;
  async function* counted(chunks: AsyncIterable<LogChunk>): AsyncGenerator<LogChunk> {
    for await (const chunk of chunks) {
      written += chunk.bytes.length;
      if (written > limit)
        over.abort(
          new Error(
            `it wrote more than ${limit} bytes since its start, or since this server took it up; its engine keeps all of that until it ends (extensions.max_log_size)`,
          ),
        );
      yield chunk;
    }
  }
  return { output: { ended: running.ended, logs: (after, signal) => counted(running.logs(after, signal)) }, tooMuch: over.signal };
}

/** Gofer's own words in the log of a start. What cannot be written is told to the operator, and nobody else waits for it. */
export async function noteInLog(uid: string, text: string, { logs, log }: Pick<ExtensionLogParts, 'logs' | 'log'>): Promise<void> {
  try {
    await logs.note(uid, text);
  } catch (error) {
    log('warn', "the log of an extension's start cannot be written", { start: uid, text, reason: messageOf(error) });
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
