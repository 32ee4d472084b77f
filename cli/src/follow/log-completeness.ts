/** Whether all of a task's log is there, in one line; and the proof of it, from the bytes themselves. */
import { createHash } from 'node:crypto';
import { codeOf } from '@gofer/contracts';
import type { LogMessage, LogSummary } from '@gofer/contracts/api';
import type { GoferClient } from '../api/gofer-client.ts';
import { toSafeLine } from '../output/sanitise.ts';
import type { TaskPath } from './follow-log.ts';

export type LogEnd = NonNullable<LogMessage['end']>;

export function describeEnd({ lines, bytes, seal }: LogEnd): string {
  if (seal === undefined) return `not finished yet: ${counted(lines, bytes)} so far`;
  const kept = counted(seal.lines, seal.bytes);
  if (bytes < seal.bytes) return `damaged: of ${kept}, bytes ${count(bytes)} to ${count(seal.bytes)} are missing on the server's disk`;
  if (seal.complete) return `complete: ${kept}, sha256 ${seal.sha256}`;
  return `incomplete: ${kept} are kept, sha256 ${seal.sha256}; what follows them is missing: ${toSafeLine(seal.problem ?? '')}`;
}

export interface LogProof {
  /** Of the bytes that came. */
  readonly lines: number;
  readonly bytes: number;
  readonly sha256: string;
  readonly seal?: LogSummary;
  /** What differs from the seal, or is missing by it, for a person; empty where the log is complete and as it was sealed. */
  readonly problems: readonly string[];
}

/** Downloads every byte, counts and hashes them, and compares with the seal that the server tells. */
export async function proveLog(client: GoferClient, path: TaskPath, attempt: number | undefined): Promise<LogProof> {
  const hash = createHash('sha256');
  const problems: string[] = [];
  let bytes = 0;
  let newlines = 0;
  let last = 10;
  const end = await readEnd(client, path, attempt);
  try {
    for await (const chunk of await client.bytes('get_logs_raw', { path, query: { attempt: end.attempt } })) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) newlines += 1;
      last = chunk.at(-1) ?? last;
    }
  } catch (error) {
    // What came before the break is compared all the same.
    if (codeOf(error) !== 'UNAVAILABLE' || bytes === 0) throw error;
    problems.push(error instanceof Error ? error.message : String(error));
  }
  const found = { lines: newlines + (last === 10 ? 0 : 1), bytes, sha256: hash.digest('hex') };
  const { seal } = end;
  if (seal === undefined) return { ...found, problems: [...problems, 'the log is not finished yet, so nothing says what belongs to it'] };
  if (bytes < seal.bytes) problems.push(`bytes ${count(bytes)} to ${count(seal.bytes)} are missing`);
  if (bytes > seal.bytes) problems.push(`${count(bytes - seal.bytes)} bytes stand behind its end`);
  if (found.sha256 !== seal.sha256) problems.push(`the hash differs: sha256 ${found.sha256}, sealed as ${seal.sha256}`);
  if (!seal.complete) problems.push(`it was sealed as incomplete: ${toSafeLine(seal.problem ?? '')}`);
  return { ...found, seal, problems };
}

/** No log has as many: what is asked for behind them is the end alone, also where the data is damaged. */
const BEHIND_ALL_LINES = '100000000000000-';

/** What the server says of the log's end, without its lines. */
async function readEnd(client: GoferClient, path: TaskPath, attempt: number | undefined): Promise<LogEnd> {
  const query = { follow: false, lines: BEHIND_ALL_LINES, ...(attempt === undefined ? {} : { attempt }) };
  let end: LogEnd | undefined;
  for await (const message of await client.logs(path, query, new AbortController().signal)) end = message.end ?? end;
  // Nothing was started yet.
  return end ?? { attempt: attempt ?? 1, lines: 0, bytes: 0 };
}

function counted(lines: number, bytes: number): string {
  return `${count(lines)} ${lines === 1 ? 'line' : 'lines'}, ${count(bytes)} ${bytes === 1 ? 'byte' : 'bytes'}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
