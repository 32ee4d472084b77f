import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface SentRequest {
  /** `POST /api/extensions?wait=30` */
  readonly line: string;
  /** Undefined where there is none. */
  readonly body: unknown;
}

/** An answer's status and its body: JSON, or bytes as they are. */
export type ScriptedAnswer = readonly [status: number, body?: unknown];

export interface ScriptedServer {
  readonly url: string;
  /** Oldest first. */
  readonly requests: readonly SentRequest[];
  close(): Promise<void>;
}

/** Answers each request as `answer` says, and keeps what it was sent; 404 where that says nothing. */
export async function startScriptedServer(answer: (request: SentRequest) => ScriptedAnswer | undefined): Promise<ScriptedServer> {
  const requests: SentRequest[] = [];
  const read = async (message: IncomingMessage): Promise<ScriptedAnswer> => {
    const body = await text(message);
    const request = { line: `${message.method} ${message.url}`, body: body === '' ? undefined : (JSON.parse(body) as unknown) };
    requests.push(request);
    return answer(request) ?? [404, { error_code: 'NOT_FOUND', message: `nothing answers ${request.line}`, request_id: 'r1' }];
  };
  const server = createServer((message, response) => {
    read(message).then(
      ([status, body]) => response.writeHead(status).end(body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body)),
      (error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
