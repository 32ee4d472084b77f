/**
 * The output of one attempt, read ahead by one batch while the reader works on the last. A follower is rejected with `DATA_LOSS` at the end
 * where output behind the reader's cursor is not held any more: another reader had kept it, and this one goes on from an earlier state.
 */
import { GoferError, type LogChunk, type LogsRequest } from '@gofer/contracts';
import type { ReadReply } from './protocol.ts';
import type { SupervisorClient } from './supervisor-client.ts';
import { cancelled } from './supervisor-connection.ts';

export async function* readLogs(
  client: SupervisorClient,
  attempt: string,
  request: LogsRequest,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  const begin = toPosition(request.after);
  let kept = begin;
  let heldFrom: number | undefined;
  const ending = new AbortController();
  const stop = AbortSignal.any([signal, ending.signal]);
  let until: number | undefined;
  const read = (after: number) => {
    const next = {
      op: 'read',
      attempt,
      after,
      kept,
      follow: request.follow,
    } as const;
    const answer = client.call<ReadReply>(until === undefined ? next : { ...next, until }, { signal: stop, patient: true });
    // It may fail while the reader is busy, or be given up with it.
    answer.catch(() => {});
    return answer;
  };
  try {
    let coming = read(kept);
    for (;;) {
      const { reply, payload } = await coming;
      until = reply.until;
      heldFrom ??= reply.from;
      let position = reply.from;
      if (!reply.end) coming = read(reply.from + payload.byteLength);
      let offset = 0;
      for (const { stream, length, time } of reply.pieces) {
        position += length;
        // Each chunk has a buffer of its own: whoever transfers one must not take the others along.
        const bytes = length === payload.length ? payload : payload.slice(offset, offset + length);
        yield {
          stream,
          time,
          bytes,
          cursor: String(position),
        };
        // The reader asks for more: it has kept this one.
        kept = position;
        offset += length;
        if (signal.aborted) throw cancelled();
      }
      if (reply.pieces.length > 0) client.notify({ op: 'kept', attempt, to: kept });
      if (reply.end) break;
    }
  } finally {
    ending.abort();
  }
  if (request.follow && heldFrom > begin)
    throw new GoferError(
      'DATA_LOSS',
      `${heldFrom - begin} bytes of output behind byte ${begin} are missing: they were handed to an earlier reader and are not held any more`,
    );
}

function toPosition(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const position = /^\d{1,16}$/.test(cursor) ? Number(cursor) : Number.NaN;
  if (!Number.isSafeInteger(position)) throw new GoferError('INVALID_ARGUMENT', `${JSON.stringify(cursor)} is not a cursor of this engine`);
  return position;
}
