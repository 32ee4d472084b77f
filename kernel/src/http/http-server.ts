/** The server's front door: sockets, limits and time-outs around the application. */
import { createServer, type IncomingMessage, type Server, ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ErrorCode, GoferError, type PluginLog } from '@gofer/contracts';
import { uuidv7 } from 'uuidv7';
import type { Services } from '../services/services.ts';
import { createApiRouter } from './api-router.ts';
import { type Authority, BYPASSED_AUTHORITY } from './authority.ts';
import { clientAddress, isSecure, TrustedProxies } from './client-address.ts';
import { Connections } from './connections.ts';
import { createDocsRouter } from './docs/docs-router.ts';
import { toErrorAnswer } from './error-answer.ts';
import { createHttpApp } from './http-app.ts';
import { createIdentityHandlers } from './identity-handlers.ts';
import { createJsonHandlers } from './json-handlers.ts';
import { Lifetimes } from './lifetimes.ts';
import { createObjectHandlers } from './object-handlers.ts';
import type { RateLimits } from './rate-limits.ts';
import { createRawLogHandler } from './raw-log-handler.ts';
import { createSecretHandlers } from './secret-handlers.ts';
import { createWebSocketHandlers } from './streams/web-socket-handlers.ts';
import { type Upgrade, WebSocketHub } from './streams/web-socket-hub.ts';
import { WebOrigins } from './web-origins.ts';
import { WebPageGuard } from './web-page-guard.ts';

/** Keys of the block `[server]` as they are configured; durations are seconds. */
export interface HttpConfig {
  /** `host:port`; port 0 takes a free one. */
  readonly bind_address: string;
  readonly url?: string | undefined;
  readonly cors_origins: readonly string[];
  readonly trusted_proxies?: readonly string[];
  readonly request_timeout: number;
  readonly max_body_size: number;
}

export interface HttpServerOptions {
  readonly config: HttpConfig;
  readonly services: Services;
  /** The default of a task's cancellation, `api.task_execution_stop_timeout`, in seconds. */
  readonly stopTimeout: number;
  /** What `info.version` of the OpenAPI document says. */
  readonly version: string;
  readonly log: PluginLog;
  readonly authority?: Authority;
  /** Shared by all listeners of a server. */
  readonly rateLimits?: RateLimits;
  readonly requestId?: () => string;
}

export interface HttpServer {
  /** Resolves once connections are accepted. Rejects with `LOCKED` where the port is taken, with `CONFIG_INVALID` for an address that cannot be bound. */
  listen(): Promise<void>;
  /** Where it listens, as `http://host:port`; undefined before `listen`. */
  readonly address: string | undefined;
  /**
   * Takes no more connections, asks WebSockets to leave (1001), wakes what waits, lets requests in progress finish for `graceMs`, then
   * cuts off what is left. A second call does nothing more.
   */
  close(graceMs: number): Promise<void>;
}

const MAX_CONNECTIONS = 10_000;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADERS = 100;
const HEADERS_SECONDS = 15;
/** Longer than the idle times of usual clients and proxies, so that it is never the server that closes under a request on its way. */
const KEEP_ALIVE_SECONDS = 75;
const WEB_SOCKET_LEAVE_MS = 2_000;

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { config, log, services } = options;
  const requestId = options.requestId ?? uuidv7;
  const authority = options.authority ?? BYPASSED_AUTHORITY;
  const proxies = new TrustedProxies(config.trusted_proxies ?? []);
  const lifetimes = new Lifetimes();
  const webSockets = new WebSocketHub(log);
  const upgrades = new WeakMap<IncomingMessage, Upgrade>();
  const handlers = {
    ...createJsonHandlers(services, options.stopTimeout),
    ...createRawLogHandler(services.logs),
    ...createObjectHandlers(services.objects),
    ...createSecretHandlers(services.secrets),
    ...createIdentityHandlers(services),
    ...createWebSocketHandlers(services),
  };
  const app = createHttpApp({
    routers: [
      createApiRouter({
        handlers,
        access: {
          authority,
          audit: services.audit,
          origins: new WebOrigins({ origins: config.cors_origins, ...(config.url === undefined ? {} : { url: config.url }) }),
          addressOf: (request) => clientAddress(request, proxies),
          isSecure: (request) => isSecure(request, proxies),
          expensive: async (principalId) => options.rateLimits?.expensive(principalId),
          now: Date.now,
        },
        lifetimes,
        webSockets,
        bodyLimits: { size: config.max_body_size, timeMs: config.request_timeout * 1000 },
      }),
      createDocsRouter(options.version),
    ],
    guard: authority.bypassed
      ? new WebPageGuard({ origins: config.cors_origins, ...(config.url === undefined ? {} : { url: config.url }) })
      : undefined,
    corsOrigins: config.cors_origins,
    lifetimes,
    upgrades,
    requestId,
    log,
  });
  const respond = app.callback();
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    connections.begin(response);
    void respond(request, response);
  };
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: Math.min(HEADERS_SECONDS, config.request_timeout) * 1000,
      // The readers of bodies have limits of their own: an upload may take as long as it goes on.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(30, config.request_timeout) * 500,
      keepAliveTimeout: KEEP_ALIVE_SECONDS * 1000,
      keepAlive: true,
      noDelay: true,
      requireHostHeader: false,
      // Others, such as a client that offers HTTP/2 in passing, are answered in HTTP/1.1 as if they had not asked.
      shouldUpgradeCallback: (request) => request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket',
    },
    handle,
  );
  const connections = new Connections(server, config.request_timeout * 1000);
  server.maxConnections = MAX_CONNECTIONS;
  server.maxHeadersCount = MAX_HEADERS;
  // The body's reader says "continue" itself, once the request has passed every check before it.
  server.on('checkContinue', handle);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (connections.isAnswered(socket)) socket.destroy();
    else answerClientError(error, socket, requestId());
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrades.set(request, { socket, head });
    connections.forget(request.socket);
    void respond(request, responseFor(request, log));
  });
  return new ListeningServer(server, config.bind_address, { connections, lifetimes, webSockets });
}

/** The answer to an upgrade that is refused is plain HTTP; one that is accepted takes the socket away from it. */
function responseFor(request: IncomingMessage, log: PluginLog): ServerResponse {
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

const CLIENT_ERRORS: Readonly<Record<string, { status: number; code: ErrorCode; message: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'INVALID_ARGUMENT',
    message: `The request's headers are larger than ${MAX_HEADER_BYTES} bytes.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'DEADLINE_EXCEEDED', message: 'The request did not arrive in time.' },
};

/** Before there is a request: what the HTTP parser refuses. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex, requestId: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { code, message, status } = CLIENT_ERRORS[error.code ?? ''] ?? {
    status: 400,
    code: 'INVALID_ARGUMENT',
    message: 'The request is not HTTP/1.1.',
  };
  const { body } = toErrorAnswer(new GoferError(code, message), requestId);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nx-request-id: ${requestId}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** What has to end when the server stops. */
interface Live {
  readonly connections: Connections;
  readonly lifetimes: Lifetimes;
  readonly webSockets: WebSocketHub;
}

class ListeningServer implements HttpServer {
  readonly #server: Server;
  readonly #bindAddress: string;
  readonly #live: Live;
  #closing: Promise<void> | undefined;

  constructor(server: Server, bindAddress: string, live: Live) {
    this.#server = server;
    this.#bindAddress = bindAddress;
    this.#live = live;
  }

  get address(): string | undefined {
    const address = this.#server.address() as AddressInfo | null;
    if (address === null) return undefined;
    return `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  listen(): Promise<void> {
    const { host, port } = splitAddress(this.#bindAddress);
    const { promise, reject, resolve } = Promise.withResolvers<void>();
    const refuse = (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const text = taken ? 'is in use by another process' : `cannot be bound: ${cause.message}`;
      reject(new GoferError(taken ? 'LOCKED' : 'CONFIG_INVALID', `server.bind_address: ${this.#bindAddress} ${text}.`, { cause }));
    };
    this.#server.once('error', refuse);
    this.#server.listen({ host, port }, () => {
      this.#server.off('error', refuse);
      resolve();
    });
    return promise;
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { connections, lifetimes, webSockets } = this.#live;
    this.#server.close(() => resolve());
    webSockets.close();
    lifetimes.end();
    connections.close();
    // A follower that has stopped reading does not hear that it is asked to leave; everybody else has by then.
    const hangUp = setTimeout(() => webSockets.terminate(), Math.min(graceMs, WEB_SOCKET_LEAVE_MS));
    const cutOff = setTimeout(() => {
      webSockets.terminate();
      this.#server.closeAllConnections();
    }, graceMs);
    await promise;
    clearTimeout(hangUp);
    clearTimeout(cutOff);
  }
}

/** `host:port`, `[::1]:port` or `:port`, which is every address. */
function splitAddress(address: string): { host: string | undefined; port: number } {
  const match = /^(\[[\da-fA-F:.]+\]|[^:]*):(\d{1,5})$/.exec(address);
  const [, host = '', port = ''] = match ?? [];
  if (match === null || Number(port) > 65_535) throw new GoferError('CONFIG_INVALID', `server.bind_address: ${address} is not host:port.`);
  return { host: host === '' ? undefined : host.replace(/^\[|\]$/g, ''), port: Number(port) };
}
