import { GoferError } from '@gofer/contracts';
import { toSafeLine } from '../output/sanitise.ts';
import { openSocket, type SocketRequest } from './open-socket.ts';
import { SocketQueue } from './socket-queue.ts';

export interface MessagesRequest extends SocketRequest {
  /** What a Text frame holds; JSON where it is absent. */
  readonly frames?: 'json' | 'text';
}

/** Frames that wait for the consumer before the socket is told to stop reading. */
const READ_AHEAD = 8;
const LARGEST_FRAME = 64 * 1024 * 1024;
/** The close codes that end a stream for good (RFC 6455 §7.4.1); every other one leaves something to reconnect to. */
const NORMAL = 1000;
const REFUSALS: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009]);

/**
 * Opens a WebSocket of Text frames, and rejects as `openSocket` does. The iterable ends at close code 1000 and when `signal` aborts; it
 * rejects with `FAILED_PRECONDITION` where the server ends it for a reason (with `UNAUTHENTICATED`, `PERMISSION_DENIED` or `DATA_LOSS` where
 * it is that), and with `UNAVAILABLE` where the connection was lost. A slow consumer makes the sender wait. Leaving the iteration closes the
 * socket.
 */
export async function openMessages({ frames = 'json', ...request }: MessagesRequest): Promise<AsyncIterable<unknown>> {
  const { url, signal } = request;
  const queue = await openSocket(request, LARGEST_FRAME, (socket) => {
    const received = new SocketQueue<string>(socket, { readAhead: READ_AHEAD });
    socket.on('message', (data: Buffer) => received.push(data.toString('utf8')));
    socket.on('close', (code, reason) => {
      if (code === NORMAL || signal.aborted) received.end();
      else received.end(toError(code, toSafeLine(reason.toString('utf8')), url));
    });
    return received;
  });
  return frames === 'text' ? queue.consume() : parsed(queue, url);
}

async function* parsed(queue: SocketQueue<string>, url: URL): AsyncGenerator {
  for await (const frame of queue.consume()) yield parse(frame, url);
}

function parse(frame: string, url: URL): unknown {
  try {
    return JSON.parse(frame);
  } catch (error) {
    throw new GoferError('UNAVAILABLE', `${url.href} sent a frame that is not JSON; does the server speak this version of the API?`, {
      cause: error,
    });
  }
}

function toError(code: number, reason: string, url: URL): GoferError {
  if (REFUSALS.has(code)) return toRefusal(code, reason);
  return new GoferError('UNAVAILABLE', `the connection to ${url.host} was lost${reason === '' ? '' : `: ${reason}`}`);
}

/** What the server says of a token that is good no longer has its code before it, so that the command exits as where it was refused at once. */
function toRefusal(code: number, reason: string): GoferError {
  const [, lost, message] = /^(UNAUTHENTICATED|PERMISSION_DENIED|DATA_LOSS): (.*)$/u.exec(reason) ?? [];
  if (lost === 'UNAUTHENTICATED' || lost === 'PERMISSION_DENIED' || lost === 'DATA_LOSS') return new GoferError(lost, message ?? '');
  return new GoferError('FAILED_PRECONDITION', reason === '' ? `the server closed the stream (code ${code})` : reason);
}
