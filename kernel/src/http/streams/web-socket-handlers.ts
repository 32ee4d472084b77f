import { LOGS_PROTOCOL } from '@gofer/contracts/api';
import type { Services } from '../../services/services.ts';
import { mayReadEvent } from '../access/event-visibility.ts';
import { toTaskPath } from '../handlers/request-paths.ts';
import type { WebSocketHandlers } from '../route-request.ts';
import { commandOf, converse } from './attach-conversation.ts';
import { encodeLineFrames } from './line-frames.ts';

export function createWebSocketHandlers({ attach, logs, events }: Pick<Services, 'attach' | 'logs' | 'events'>): WebSocketHandlers {
  return {
    attach_task_execution: async (request, protocol) => {
      const { command, tty } = request.query;
      const session = await attach.attach(toTaskPath(request.path), { command: commandOf(command, protocol), tty });
      return converse(session, protocol, request.signal);
    },
    get_logs: async (request, protocol) => {
      const { after, follow } = request.query;
      const batches = await logs.read(toTaskPath(request.path), {
        ...(after === undefined ? {} : { after }),
        follow,
        format: protocol === LOGS_PROTOCOL ? 'json' : 'lines',
        signal: request.signal,
      });
      return async (peer) => {
        for await (const batch of batches) {
          await (batch.format === 'json' ? peer.sendText(batch.json) : peer.sendFrames(encodeLineFrames(batch.text, batch.ends)));
        }
        return 'end of log';
      };
    },
    stream_events: async (request) => {
      const { history, reverse, after } = request.query;
      const stream = events.stream({
        history,
        reverse,
        signal: request.signal,
        ...(after === undefined ? {} : { after }),
        ...(request.may('admin') ? {} : { mayRead: (event) => mayReadEvent(request.may, event) }),
      });
      return async (peer) => {
        for await (const event of stream) await peer.sendText(JSON.stringify(event));
        return 'out of events';
      };
    },
  };
}
