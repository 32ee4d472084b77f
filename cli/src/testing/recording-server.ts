import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

export interface RecordingServer {
  readonly url: string;
  /** The bodies that were sent to it, oldest first. */
  readonly bodies: readonly unknown[];
  close(): Promise<void>;
}

/** Answers every request with `answer` and keeps what it was sent as JSON. */
export async function startRecordingServer(answer: unknown): Promise<RecordingServer> {
  const bodies: unknown[] = [];
  const server = createServer((request, response) => {
    json(request).then(
      (body) => {
        bodies.push(body);
        response.writeHead(201).end(JSON.stringify(answer));
      },
      (error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    bodies,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
