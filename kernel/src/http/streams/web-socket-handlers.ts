import { LOGS_PROTOCOL, type LogMessage } from '@gofer/contracts/api';
import type { LogEnd, Services } from '../../services/services.ts';
import type { LogBatch } from '../../workers/logs/log-store.ts';
import { mayReadEvent } from '../access/event-visibility.ts';
import { toTaskPath } from '../handlers/request-paths.ts';
import type { WebSocketHandlers } from '../route-request.ts';
import { commandOf, converse } from './attach-conversation.ts';
import { encodeLineFrames } from './line-frames.ts';
import { toLineSelection } from './log-selection.ts';
import type { WebSocketPeer } from './web-socket-peer.ts';

export function createWebSocketHandlers({
  attach,
  logs,
  events,
  extensions,
}: Pick<Services, 'attach' | 'logs' | 'events' | 'extensions'>): WebSocketHandlers {
  return {
    attach_task_execution: async (request, protocol) => {
      const { command, tty } = request.query;
      const session = await attach.attach(toTaskPath(request.path), { command: commandOf(command, protocol), tty });
      return converse(session, protocol, request.signal);
    },
    get_logs: async (request, protocol) => {
      const { after, follow, attempt, timestamps } = request.query;
      const select = toLineSelection(request.query);
      const batches = await logs.read(toTaskPath(request.path), {
        ...(after === undefined ? {} : { after }),
        ...(attempt === undefined ? {} : { attempt }),
        ...(select === undefined ? {} : { select }),
        follow,
        timestamps,
        format: protocol === LOGS_PROTOCOL ? 'json' : 'lines',
        signal: request.signal,
      });
      return async (peer) => {
        await sendLog(batches, protocol, peer);
        return 'end of log';
      };
    },
    get_extension_logs: async ({ path, query: { after, follow, tail }, signal }, protocol) => {
      const batches = await extensions.logs(path.extension_id, {
        ...(after === undefined ? {} : { after }),
        ...(tail === undefined ? {} : { tail }),
        follow,
        format: protocol === LOGS_PROTOCOL ? 'json' : 'lines',
        signal,
      });
      return async (peer) => {
        await sendLog(batches, protocol, peer);
        return 'log stream finished';
      };
    },
    stream_events: async (request) => {
      const { history, reverse, after, kind, since } = request.query;
      const stream = events.stream({
        history,
        reverse,
        signal: request.signal,
        ...(after === undefined ? {} : { after }),
        ...(kind === undefined ? {} : { kinds: kind }),
        ...(since === undefined ? {} : { since }),
        ...(request.may('admin') ? {} : { mayRead: (event) => mayReadEvent(request.may, event) }),
      });
      return async (peer) => {
        for await (const event of stream) await peer.sendText(JSON.stringify(event));
        return 'out of events';
      };
    },
  };
}

async function sendLog(batches: AsyncIterable<LogBatch | LogEnd>, protocol: string | undefined, peer: WebSocketPeer): Promise<void> {
  for await (const batch of batches) {
    if (batch.format === 'json') await peer.sendText(batch.json);
    else if (batch.format === 'lines') await peer.sendFrames(encodeLineFrames(batch.text, batch.ends));
    else if (protocol === LOGS_PROTOCOL) await peer.sendText(JSON.stringify(toEndMessage(batch)));
  }
}

/** Lines have the numbers that they were given when they came, also where those before them are gone. */
export function toEndMessage({ attempt, cursor, dropped, stat: { lines, bytes, seal } }: LogEnd): LogMessage {
  return { cursor, firstLine: dropped + lines, lines: [], end: { attempt, lines, bytes, ...(seal === undefined ? {} : { seal }) } };
}
