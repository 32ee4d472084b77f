/** Joins the command's own input and outputs to a command inside a task, until either ends. */
import { finished } from 'node:stream/promises';
import { GoferError } from '@gofer/contracts';
import type { GoferContext } from '../gofer-context.ts';
import { writeFully } from '../output/write-fully.ts';
import type { AttachSocket } from './attach-socket.ts';
import { LeaveKeys } from './leave-keys.ts';

type Streams = Pick<GoferContext, 'stdin' | 'stdout' | 'stderr'>;

/** Whether keys can be passed on as they are typed, and what comes back is shown by a terminal. */
export function isTerminal({ stdin, stdout }: Streams): boolean {
  return stdin.isTTY === true && stdout.isTTY === true && stdin.setRawMode !== undefined;
}

/**
 * Resolves with the command's exit code, and with 0 where the person leaves by the keys for it. Rejects as `AttachSocket.output`, and with
 * `CANCELLED` when `signal` aborts, which must end the connection. `raw`: each key is passed on as it is typed. Whatever happens, the
 * terminal is left as it was.
 */
export async function attachStreams(
  socket: AttachSocket,
  streams: Streams,
  { raw, signal }: { readonly raw: boolean; readonly signal: AbortSignal },
): Promise<number> {
  const { stdin, stdout, stderr } = streams;
  const keys = raw ? new LeaveKeys() : undefined;
  let hasLeft = false;
  let sending: Promise<void> = Promise.resolve();
  const resize = (): void => {
    if (stdout.columns !== undefined && stdout.rows !== undefined && stdout.columns > 0 && stdout.rows > 0)
      socket.tell({ kind: 'resize', columns: stdout.columns, rows: stdout.rows });
  };
  const onData = (typed: Uint8Array): void => {
    const { bytes, leaves } = keys?.read(typed) ?? { bytes: typed, leaves: false };
    stdin.pause();
    sending = socket.send(bytes).then(() => {
      if (!leaves) return void stdin.resume();
      hasLeft = true;
      socket.close();
    });
  };
  const ended = new AbortController();
  // The end of a terminal is that of the connection to whoever sat before it.
  const over = finished(stdin, { writable: false, signal: ended.signal }).then(
    // It is told while the last of it may still be on its way.
    () => sending.then(() => (raw ? socket.close() : socket.tell({ kind: 'end' }))),
    () => ended.signal.aborted || socket.close(),
  );
  try {
    if (raw) stdin.setRawMode?.(true);
    if (raw) resize();
    if (raw) stdout.on('resize', resize);
    stdin.on('data', onData);
    for await (const { stream, bytes } of socket.output()) await writeFully(stream === 'stdout' ? stdout : stderr, bytes);
    return socket.exitCode ?? 0;
  } catch (error) {
    if (hasLeft) return 0;
    if (signal.aborted) throw new GoferError('CANCELLED', 'left; the command in the task is ended', { cause: error });
    throw error;
  } finally {
    ended.abort();
    stdin.off('data', onData);
    stdout.off('resize', resize);
    if (raw) stdin.setRawMode?.(false);
    stdin.pause();
    await over;
  }
}
