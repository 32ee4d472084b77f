/** What a server process holds, told by its inspector once everything that is garbage is collected, and by the kernel. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import type { GoferServer } from './gofer-server.ts';
import { until } from './leftovers.ts';

/** In the environment of a server whose heap is to be looked at. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' } as const;

export interface Held {
  /** Bytes of JavaScript's heap in use. */
  readonly heap: number;
  /** Bytes of memory in all. */
  readonly resident: number;
}

export class ServerHeap {
  readonly #socket: WebSocket;
  readonly #pid: number;
  #id = 0;

  private constructor(socket: WebSocket, pid: number) {
    this.#socket = socket;
    this.#pid = pid;
  }

  static async of(server: GoferServer): Promise<ServerHeap> {
    const address = () => server.log.map((line) => /^Debugger listening on (ws:\S+)/.exec(line)?.[1]).find((url) => url !== undefined);
    await until('the address of the inspector', () => address() !== undefined);
    const socket = new WebSocket(address() ?? '');
    await once(socket, 'open');
    return new ServerHeap(socket, server.pid);
  }

  async measure(): Promise<Held> {
    await this.#call('HeapProfiler.collectGarbage');
    const { usedSize } = (await this.#call('Runtime.getHeapUsage')) as { usedSize: number };
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    return { heap: usedSize, resident: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024 };
  }

  close(): void {
    this.#socket.terminate();
  }

  async #call(method: string): Promise<unknown> {
    const id = ++this.#id;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const listen = (data: Buffer): void => {
      const message = JSON.parse(data.toString()) as { id?: number; result?: unknown; error?: { message: string } };
      if (message.id !== id) return;
      if (message.error === undefined) resolve(message.result);
      else reject(new Error(`${method}: ${message.error.message}`));
    };
    this.#socket.on('message', listen);
    this.#socket.once('close', () => reject(new Error('the inspector has gone')));
    this.#socket.send(JSON.stringify({ id, method }));
    try {
      return await promise;
    } finally {
      this.#socket.off('message', listen);
    }
  }
}
