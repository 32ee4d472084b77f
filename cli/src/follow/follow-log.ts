import type { LogMessage } from '@gofer/contracts/api';
import type { GoferClient } from '../api/gofer-client.ts';
import { reconnecting } from './reconnect.ts';

export interface TaskPath {
  readonly namespace_id: string;
  readonly pipeline_id: string;
  readonly run_id: number;
  readonly task_id: string;
}

/** What of it is wanted, as the server's query has it. */
export type LogQuery = Omit<NonNullable<Parameters<GoferClient['logs']>[1]>, 'after' | 'follow'>;

/** A task's log in batches from its beginning to its end (`follow`) or to what is there now, across reconnections, nothing twice. */
export function followLog(
  client: GoferClient,
  path: TaskPath,
  { follow, query = {}, onLost }: { follow: boolean; query?: LogQuery; onLost?: () => void },
  signal: AbortSignal,
): AsyncIterable<LogMessage> {
  return resuming((after) => client.logs(path, { ...query, ...after, follow }, signal), onLost, signal);
}

/** The same of an extension's log, which goes on with the next start. */
export function followExtensionLog(
  client: GoferClient,
  extensionId: string,
  { follow, tail, onLost }: { follow: boolean; tail: number | undefined; onLost: () => void },
  signal: AbortSignal,
): AsyncIterable<LogMessage> {
  const query = { follow, ...(tail === undefined ? {} : { tail }) };
  return resuming((after) => client.extensionLog({ extension_id: extensionId }, { ...query, ...after }, signal), onLost, signal);
}

function resuming(
  read: (place: { after?: string }) => Promise<AsyncIterable<LogMessage>>,
  onLost: (() => void) | undefined,
  signal: AbortSignal,
): AsyncIterable<LogMessage> {
  let after: string | undefined;
  async function open(): Promise<AsyncIterable<LogMessage>> {
    return remembering(await read(after === undefined ? {} : { after }));
  }
  async function* remembering(batches: AsyncIterable<LogMessage>): AsyncGenerator<LogMessage> {
    for await (const batch of batches) {
      if (batch.cursor !== '') after = batch.cursor;
      yield batch;
    }
  }
  return reconnecting(open, { signal, ...(onLost === undefined ? {} : { onLost }) });
}
