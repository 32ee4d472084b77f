/** A server on a free port and requests to it as raw as a test needs: any target, any header, and what came back. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import { connect, type Socket as TcpSocket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { openSocket, type Socket } from '../../../test/clients/open-socket.ts';
import { createHttpServer, type HttpConfig, type HttpServer, type HttpServerOptions } from './index.ts';
import { createMemoryServices, type MemoryServices } from './memory-services.fixture.ts';
import type { HttpLimits } from './request/request-limits.ts';

export const VERSION = { 'gofer-api-version': 'v0' };
export const TASK = '/api/namespaces/default/pipelines/demo/runs/1/tasks/one';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: () => { readonly [key: string]: unknown };
}

export interface TestServer {
  readonly server: HttpServer;
  readonly port: number;
  readonly services: MemoryServices;
  /** What was logged, as `level message`. */
  readonly logged: string[];
  ask(method: string, target: string, options?: { headers?: Record<string, string>; body?: string | Buffer }): Promise<Answer>;
  /** Writes bytes as they are and resolves with everything that comes back until the connection ends. */
  raw(bytes: string): Promise<string>;
  /** Rejects with the plain HTTP answer where the upgrade is refused. */
  socket(target: string, protocols?: readonly string[], headers?: Record<string, string>): Promise<Socket>;
  close(graceMs?: number): Promise<void>;
}

export const LIMITS: HttpLimits = {
  max_connections: 1000,
  max_web_sockets: 100,
  max_header_size: 16_384,
  max_headers: 100,
  max_url_length: 8192,
  max_json_depth: 64,
  header_timeout: 15,
};

/** `ca`: the certificate authority (PEM) that the client trusts; the server then has `certificates`. */
export async function startTestServer(
  config: Partial<HttpConfig> = {},
  { ca, ...options }: Partial<HttpServerOptions> & { readonly ca?: string } = {},
): Promise<TestServer> {
  const services = createMemoryServices();
  const logged: string[] = [];
  const server = createHttpServer({
    config: { bind_address: '127.0.0.1:0', cors_origins: [], request_timeout: 30, max_body_size: 100_000, ...config },
    limits: LIMITS,
    services,
    stopTimeout: 300,
    version: '1.0.0',
    log: (level, message) => logged.push(`${level} ${message}`),
    ...options,
  });
  await server.listen();
  const port = Number(new URL(server.address ?? '').port);
  const place: Place = { host: '127.0.0.1', port, ca };
  const trust = ca === undefined ? {} : { ca };
  const scheme = ca === undefined ? 'ws' : 'wss';
  return {
    server,
    port,
    services,
    logged,
    ask: (method, target, { headers = {}, body } = {}) => ask(place, method, target, headers, body),
    raw: (bytes) => exchange(place, bytes),
    socket: (target, protocols = [], headers = VERSION) => openSocket(`${scheme}://127.0.0.1:${port}${target}`, protocols, headers, trust),
    close: (graceMs = 2000) => server.close(graceMs),
  };
}

interface Place {
  readonly host: string;
  readonly port: number;
  readonly ca: string | undefined;
}

function ask(
  place: Place,
  method: string,
  path: string,
  headers: Record<string, string>,
  body: string | Buffer | undefined,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const send = place.ca === undefined ? request : requestSecurely;
  const outgoing = send({ ...place, method, path, headers, agent: false }, (incoming) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.once('error', reject);
    incoming.once('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json: () => JSON.parse(text) });
    });
  });
  outgoing.once('error', reject);
  outgoing.end(body);
  return promise;
}

function exchange(place: Place, bytes: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const write = () => socket.write(bytes, 'latin1');
  const socket: TcpSocket =
    place.ca === undefined ? connect(place.port, place.host, write) : connectSecurely({ ...place, ca: place.ca }, write);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  // A connection that is reset has said what it had to say before.
  socket.on('error', (error) => {
    text += `[${error.message}]`;
  });
  socket.once('close', () => resolve(text));
  return promise;
}
