import { connect, createServer, type Socket } from 'node:net';

export interface BreakableProxy {
  readonly port: number;
  /** Cuts every connection there is; new ones are let through. */
  breakAll(): void;
  close(): Promise<void>;
}

/** Stands before a server on this machine. `onBytes` is told of all bytes that the server was sent and has sent. */
export async function startBreakableProxy(
  target: string,
  onBytes: (sent: number, received: number) => void = () => undefined,
): Promise<BreakableProxy> {
  const sockets = new Set<Socket>();
  const counts = { sent: 0, received: 0 };
  const proxy = createServer((incoming) => {
    const outgoing = connect(Number(target), '127.0.0.1');
    for (const [from, to, name] of [
      [incoming, outgoing, 'sent'],
      [outgoing, incoming, 'received'],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('data', (chunk) => {
        counts[name] += chunk.length;
        onBytes(counts.sent, counts.received);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    breakAll,
    async close() {
      breakAll();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
