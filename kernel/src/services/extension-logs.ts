/** The log of an extension: that of its latest start, and then those of the starts after it. */
import { codeOf, GoferError } from '@gofer/contracts';
import type { ExtensionManager } from '../extensions/extension-manager.ts';
import type { Store } from '../storage/store.ts';
import type { LogBatch, LogStore } from '../workers/logs/log-store.ts';
import type { LogEnd } from './services.ts';

export interface ExtensionLogRequest {
  readonly follow: boolean;
  readonly tail?: number;
  readonly signal: AbortSignal;
}

export interface ExtensionLogsParts {
  readonly store: Store;
  readonly logs: LogStore;
  readonly manager: Pick<ExtensionManager, 'onChange'>;
}

/** `id`, `uid`: of an extension that is installed. Rejects with `NOT_FOUND` where there is no log and none is waited for. */
export async function readExtensionLogs(
  { id, uid }: { readonly id: string; readonly uid: string },
  request: ExtensionLogRequest,
  parts: ExtensionLogsParts,
): Promise<AsyncIterable<LogBatch | LogEnd>> {
  const latest = await latestWithLog(uid, parts);
  if (latest === undefined && !request.follow)
    throw new GoferError('NOT_FOUND', `There is no log of the extension '${id}': it has not been started yet.`);
  return follow(uid, latest, request, parts);
}

async function* follow(
  uid: string,
  latest: string | undefined,
  { follow: isFollowed, tail, signal }: ExtensionLogRequest,
  parts: ExtensionLogsParts,
): AsyncIterable<LogBatch | LogEnd> {
  const { logs } = parts;
  let start = latest ?? (await nextWithLog(uid, '', parts, signal));
  let select = tail === undefined ? {} : { select: { tail } };
  for (let number = 1; start !== undefined; number += 1) {
    let cursor = '';
    for await (const batch of logs.read(start, { follow: isFollowed, format: 'lines', signal, ...select })) {
      cursor = batch.cursor;
      yield batch;
    }
    yield { format: 'end', attempt: number, cursor, stat: await logs.stat(start) };
    if (!isFollowed) return;
    select = {};
    start = await nextWithLog(uid, start, parts, signal);
  }
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
