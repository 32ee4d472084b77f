import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Which connections are in the middle of a request. Node counts one on which nothing was ever sent as busy, as a browser opens them on
 * suspicion; a server that stops would wait for it.
 */
export class Connections {
  readonly #open = new Set<Socket>();
  readonly #busy = new Set<Socket>();
  /** Answered before their request had arrived whole: what comes next on them is its rest. */
  readonly #ahead = new Map<Socket, NodeJS.Timeout>();
  readonly #restMs: number;
  #closing = false;

  /** `event`: of a socket on which HTTP is to be spoken. `restMs`: for how long the rest of a request that was answered early is taken. */
  constructor(server: Server, event: 'connection' | 'secureConnection', restMs: number) {
    this.#restMs = restMs;
    server.on(event, (socket: Socket) => {
      this.#open.add(socket);
      socket.once('close', () => {
        this.#open.delete(socket);
        this.#endWaiting(socket);
      });
    });
  }

  /** To be called for each request, before anything is answered. */
  begin(response: ServerResponse): void {
    this.#busy.add(response.req.socket);
    this.#endWaiting(response.req.socket);
    response.once('close', this.#end);
  }

  isOpen(socket: Socket): boolean {
    return this.#open.has(socket);
  }

  /** True: a request of it is not answered yet, or its answer not sent. */
  isBusy(socket: Socket): boolean {
    return this.#busy.has(socket);
  }

  /** True: an error on this connection has been answered already, as it is in the rest of a request that was refused. */
  isAnswered(socket: Socket): boolean {
    return this.#ahead.has(socket);
  }

  /** An upgraded connection is no longer counted. */
  forget(socket: Socket): void {
    this.#open.delete(socket);
  }

  /** Ends what is idle now, and the others as each becomes idle. */
  close(): void {
    this.#closing = true;
    for (const socket of this.#open) if (!this.#busy.has(socket)) socket.destroy();
  }

  /** Whoever goes on sending what nobody wants is cut off after a while. */
  #endRest(socket: Socket): void {
    if (socket.destroyed) return;
    this.#endWaiting(socket);
    this.#ahead.set(socket, setTimeout(() => socket.destroy(), this.#restMs).unref());
  }

  #endWaiting(socket: Socket): void {
    clearTimeout(this.#ahead.get(socket));
    this.#ahead.delete(socket);
  }

  /** One function for all responses: Node calls it with the response as `this`. */
  readonly #end = ((connections: Connections) =>
    function end(this: ServerResponse): void {
      const { socket } = this.req;
      connections.#busy.delete(socket);
      if (!this.req.complete) connections.#endRest(socket);
      if (connections.#closing) socket.destroySoon();
    })(this);
}
