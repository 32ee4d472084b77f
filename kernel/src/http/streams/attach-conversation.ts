/** A command inside a task, spoken over a WebSocket: version 0's lines, and bytes with control messages beside them. */
import { type ExecInput, type ExecOutput, GoferError } from '@gofer/contracts';
import { ATTACH_PROTOCOL, type AttachReport } from '@gofer/contracts/api';
import type { AttachSession } from '../../services/services.ts';
import type { Conversation } from '../route-request.ts';
import type { IncomingFrame, WebSocketPeer } from './web-socket-peer.ts';

/** An engine may deliver more at once. */
const LARGEST_FRAME = 64 * 1024;
const LARGEST_SIDE = 65_535;
const CARRIAGE_RETURN = Buffer.from('\r');

/** The words of the command that a request asks for. */
export function commandOf(given: readonly string[], protocol: string | undefined): readonly string[] {
  const [only = ''] = given;
  return protocol === ATTACH_PROTOCOL || given.length > 1 ? given : only.split(' ').filter((word) => word !== '');
}

/** `signal`: aborts when the client has gone, and when the server stops. */
export function converse(session: AttachSession, protocol: string | undefined, signal: AbortSignal): Conversation {
  const isOurs = protocol === ATTACH_PROTOCOL;
  return async (peer) => {
    const input = isOurs ? fromMessages(peer.receive()) : fromLines(peer.receive());
    const output = session.run(input, AbortSignal.any([signal, peer.closing]));
    return (await (isOurs ? tell(peer, output) : show(peer, output))) ? 'the command has ended' : 'the task has ended';
  };
}

/** Resolves with whether it was the command that ended. */
async function show(peer: WebSocketPeer, output: AsyncIterable<ExecOutput>): Promise<boolean> {
  for await (const item of output) {
    if (item.kind === 'exit') return true;
    await sendBytes(peer, item.bytes);
  }
  return false;
}

async function tell(peer: WebSocketPeer, output: AsyncIterable<ExecOutput>): Promise<boolean> {
  const report = (message: AttachReport): Promise<void> => peer.sendText(JSON.stringify(message));
  let stream = 'stdout';
  for await (const item of output) {
    if (item.kind === 'exit') {
      await report({ kind: 'exit', exit_code: item.exitCode });
      return true;
    }
    if (item.stream !== stream) await report({ kind: 'stream', stream: item.stream });
    stream = item.stream;
    await sendBytes(peer, item.bytes);
  }
  return false;
}

async function sendBytes(peer: WebSocketPeer, bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.byteLength; start += LARGEST_FRAME) await peer.sendBinary(bytes.subarray(start, start + LARGEST_FRAME));
}

/** Version 0: a Text frame is a line, and nothing else is listened to. */
async function* fromLines(frames: AsyncIterable<IncomingFrame>): AsyncGenerator<ExecInput> {
  for await (const { kind, bytes } of frames) if (kind === 'text') yield { kind: 'data', bytes: Buffer.concat([bytes, CARRIAGE_RETURN]) };
}

/** Throws `INVALID_ARGUMENT` for a Text frame that is no control message. */
async function* fromMessages(frames: AsyncIterable<IncomingFrame>): AsyncGenerator<ExecInput> {
  for await (const { kind, bytes } of frames) {
    if (kind === 'binary') {
      if (bytes.byteLength > 0) yield { kind: 'data', bytes };
      continue;
    }
    const message = parse(bytes);
    if (message.kind === 'end') return;
    const [columns, rows] = [message.columns, message.rows];
    if (message.kind !== 'resize' || !isSide(columns) || !isSide(rows))
      throw new GoferError('INVALID_ARGUMENT', 'A Text frame is {"kind":"resize","columns":80,"rows":24} or {"kind":"end"}.');
    yield { kind: 'resize', columns, rows };
  }
}

function parse(bytes: Uint8Array): { readonly kind?: unknown; readonly columns?: unknown; readonly rows?: unknown } {
  try {
    return Object(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new GoferError('INVALID_ARGUMENT', 'A Text frame is not JSON; bytes for the command go in Binary frames.', { cause: error });
  }
}

function isSide(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LARGEST_SIDE;
}
