import { type IncomingMessage, ServerResponse } from 'node:http';
import type { PluginLog } from '@gofer/contracts';

/** The answer to an upgrade that is refused is plain HTTP; one that is accepted takes the socket away from it. */
export function responseToUpgrade(request: IncomingMessage, log: PluginLog): ServerResponse {
  const response = new ServerResponse(request);
  const { socket } = request;
  socket.on('error', (error) => log('debug', 'a connection broke', { error }));
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    response.detachSocket(socket);
    socket.destroySoon();
  });
  return response;
}
