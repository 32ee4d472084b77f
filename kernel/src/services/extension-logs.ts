/** The log of an extension: that of its latest start, and then those of the starts after it. */
import { codeOf, GoferError } from '@gofer/contracts';
import type { ExtensionManager } from '../extensions/extension-manager.ts';
import type { Store } from '../storage/store.ts';
import { type BoundedLogs, type BoundedStat, LOG_BEGINNING, noticeOf } from '../workers/logs/index.ts';
import type { LogBatch, LogStat } from '../workers/logs/log-store.ts';
import type { LogEnd } from './services.ts';

export interface ExtensionLogRequest {
  /** A cursor of a batch, `START-PLACE`; of a start whose log is gone, the next that is there is begun with. */
  readonly after?: string;
  readonly follow: boolean;
  readonly format: 'lines' | 'json';
  /** Not heeded with `after`. */
  readonly tail?: number;
  readonly signal: AbortSignal;
}

export interface ExtensionLogsParts {
  readonly store: Store;
  readonly logs: BoundedLogs;
  readonly manager: Pick<ExtensionManager, 'onChange'>;
}

/** Where to begin. */
interface Place {
  readonly start: string | undefined;
  /** Within its log. */
  readonly after?: string;
  /** The reader had something of an earlier start, whose log is gone. */
  readonly isGap?: boolean;
}

/**
 * `id`, `uid`: of an extension that is installed. Rejects with `NOT_FOUND` where there is no log and none is waited for, and with
 * `INVALID_ARGUMENT` where the cursor is not one of its log.
 */
export async function readExtensionLogs(
  { id, uid }: { readonly id: string; readonly uid: string },
  request: ExtensionLogRequest,
  parts: ExtensionLogsParts,
): Promise<AsyncIterable<LogBatch | LogEnd>> {
  const place = request.after === undefined ? { start: await latestWithLog(uid, parts) } : await placeBehind(request.after, uid, parts);
  if (place.start === undefined && !request.follow)
    throw new GoferError('NOT_FOUND', `There is no log of the extension '${id}': it has not been started yet.`);
  return follow(uid, place, request, parts);
}

async function* follow(
  uid: string,
  place: Place,
  { follow: isFollowed, format, tail, signal }: ExtensionLogRequest,
  parts: ExtensionLogsParts,
): AsyncIterable<LogBatch | LogEnd> {
  const { logs } = parts;
  let start = place.start ?? (await nextWithLog(uid, '', parts, signal));
  let from: { after?: string; tail?: number } = place.after !== undefined ? { after: place.after } : tail === undefined ? {} : { tail };
  if (place.isGap === true && start !== undefined) yield noticeOf(GAP, 0, `${start}-${LOG_BEGINNING}`, { format });
  for (let number = 1; start !== undefined; number += 1) {
    const cursorPrefix = `${start}-`;
    let cursor = cursorPrefix + (from.after ?? LOG_BEGINNING);
    for await (const batch of logs.read(start, { follow: isFollowed, format, signal, cursorPrefix, ...from })) {
      cursor = cursorPrefix + batch.cursor;
      yield batch;
    }
    const stat = await logs.stat(start);
    yield { format: 'end', attempt: number, cursor, stat: toStat(stat), dropped: stat.dropped };
    if (!isFollowed) return;
    from = {};
    start = await nextWithLog(uid, start, parts, signal);
  }
}

const GAP = 'the log of what ran before this start was dropped: only those of the last starts are kept';

/** The seal of a part would be taken for that of all. */
function toStat({ dropped, seal, ...stat }: BoundedStat): LogStat {
  return seal === undefined || dropped > 0 || seal.bytes !== stat.bytes ? stat : { ...stat, seal };
}

async function placeBehind(cursor: string, uid: string, parts: ExtensionLogsParts): Promise<Place> {
  const wrong = (): GoferError => new GoferError('INVALID_ARGUMENT', `${JSON.stringify(cursor.slice(0, 80))} is not a cursor of this log`);
  const [, start, after] = /^([0-9a-f-]{36})-(.+)$/.exec(cursor) ?? [];
  if (start === undefined || after === undefined) throw wrong();
  const starts = parts.store.extensionStarts.listOf(uid).map((each) => each.uid);
  if (starts.includes(start) && (await hasLog(start, parts))) {
    // In the answer, and not in the middle of a stream.
    const signal = new AbortController().signal;
    for await (const _ of parts.logs.read(start, { after, follow: false, format: 'lines', signal })) break;
    return { start, after };
  }
  for (const next of starts) if (next > start && (await hasLog(next, parts))) return { start: next, isGap: true };
  throw wrong();
}

/** The first start behind `after` that has a log, once there is one; undefined where the extension is uninstalled before. */
async function nextWithLog(uid: string, after: string, parts: ExtensionLogsParts, signal: AbortSignal): Promise<string | undefined> {
  const { store, manager } = parts;
  for (;;) {
    let changed = (): void => {};
    const change = new Promise<void>((resolve) => {
      changed = resolve;
    });
    const forget = manager.onChange(changed);
    signal.addEventListener('abort', changed);
    try {
      signal.throwIfAborted();
      const starts = store.extensionStarts.listOf(uid).map((start) => start.uid);
      // Where that one is forgotten by now, all that are left came after it.
      for (const start of starts.slice(starts.indexOf(after) + 1)) if (await hasLog(start, parts)) return start;
      if (!store.extensions.list().some((each) => each.uid === uid)) return undefined;
      await change;
    } finally {
      forget();
      signal.removeEventListener('abort', changed);
    }
  }
}

async function latestWithLog(uid: string, parts: ExtensionLogsParts): Promise<string | undefined> {
  for (const { uid: start } of parts.store.extensionStarts.listOf(uid).toReversed()) if (await hasLog(start, parts)) return start;
  return undefined;
}

async function hasLog(start: string, { logs }: ExtensionLogsParts): Promise<boolean> {
  try {
    await logs.stat(start);
    return true;
  } catch (error) {
    if (codeOf(error) === 'NOT_FOUND') return false;
    throw error;
  }
}
