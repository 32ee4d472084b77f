/** A unix socket that passes everything on to another, and whose connections a test may cut. */

import type { Server, Socket } from 'node:net';
import { createConnection, createServer } from 'node:net';

export class CuttableSocket {
  readonly path: string;
  #target: string;
  #server: Server | undefined;
  #connections = new Set<Socket>();

  private constructor(path: string, target: string) {
    this.path = path;
    this.#target = target;
  }

  static async open(path: string, target: string): Promise<CuttableSocket> {
    const socket = new CuttableSocket(path, target);
    await socket.mend();
    return socket;
  }

  /** Breaks every connection; until it is mended there are no new ones. */
  async cut(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#server === undefined) resolve();
    else this.#server.close(() => resolve());
    this.#server = undefined;
    for (const connection of this.#connections) connection.destroy();
    await promise;
  }

  async mend(): Promise<void> {
    const server = createServer((near) => {
      const far = createConnection(this.#target);
      const end = (): void => {
        near.destroy();
        far.destroy();
      };
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#connections.add(one);
        one.on('error', end);
        one.on('close', () => {
          this.#connections.delete(one);
          end();
        });
        one.pipe(other);
      }
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(this.path, resolve);
    this.#server = server;
    await promise;
  }
}
