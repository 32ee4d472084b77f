/** The port: sockets, TLS, limits and time-outs below the application. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type ServerOptions as SecureServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { GoferError, type PluginLog } from '@gofer/contracts';
import type { CertificateSource, ServedCertificate } from '../../tls/index.ts';
import type { HttpLimits } from '../request/request-limits.ts';
import { splitBindAddress } from './bind-address.ts';
import { ClientErrors } from './client-error.ts';
import { Connections } from './connections.ts';
import { TlsHandshakes } from './tls-handshakes.ts';

export interface ListenerOptions {
  readonly bindAddress: string;
  /** Of the configuration: what is said of the address names its key. */
  readonly section: 'server' | 'external_events';
  readonly limits: HttpLimits;
  /** How long a client may take to send its request, in milliseconds. */
  readonly patienceMs: number;
  /** Absent: in clear. */
  readonly certificates: CertificateSource | undefined;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly requestId: () => string;
  readonly log: PluginLog;
}

/** Longer than the idle times of usual clients and proxies, so that it is never the server that closes under a request on its way. */
const KEEP_ALIVE_SECONDS = 75;
const TELL_OF_DROPPED_MS = 60_000;

export class Listener {
  readonly #server: Server;
  readonly #options: ListenerOptions;
  readonly #connections: Connections;
  readonly #handshakes: TlsHandshakes | undefined;
  readonly #forget: (() => void) | undefined;
  /** After so long without a byte in either direction a connection is looked at: behind the time-outs that are answered. */
  readonly #silenceMs: number;

  constructor(options: ListenerOptions) {
    const { certificates, limits, log, patienceMs } = options;
    this.#options = options;
    const errors = new ClientErrors(limits, options.requestId);
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      this.#connections.begin(response);
      options.onRequest(request, response);
    };
    const headersMs = Math.min(limits.header_timeout * 1000, patienceMs);
    const settings = serverSettings(limits, headersMs);
    if (certificates === undefined) {
      this.#server = createServer(settings, onRequest);
      this.#connections = new Connections(this.#server, 'connection', patienceMs);
    } else {
      const server = createTlsServer(settings, certificates.current, headersMs, onRequest);
      this.#server = server;
      this.#connections = new Connections(server, 'secureConnection', patienceMs);
      const answerPlainHttp = (socket: Socket) => errors.answerPlainHttp(socket);
      this.#handshakes = new TlsHandshakes(server, { timeoutMs: headersMs, answerPlainHttp, log });
      // Connections that are open go on with what they have begun with.
      this.#forget = certificates.onChange((certificate) => server.setSecureContext(contextOf(certificate)));
    }
    const server = this.#server;
    // Node's own takes a connection for idle whose answer is written but not sent yet; ours are known better.
    server.closeIdleConnections = () => undefined;
    server.maxConnections = limits.max_connections;
    // They are counted behind it: as its version goes, Node leaves out those that are too many, or says that they are too large.
    server.maxHeadersCount = 0;
    this.#silenceMs = patienceMs + 2 * headersMs;
    server.timeout = this.#silenceMs;
    server.on('timeout', (socket: Socket) => this.#onSilence(socket));
    server.on('drop', createDropReport(limits, log));
    // The body's reader says "continue" itself, once the request has passed every check before it.
    server.on('checkContinue', onRequest);
    // Refused as every other request is; Node's own answer says nothing.
    server.on('checkExpectation', onRequest);
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      // What has not come through the handshake of TLS has nothing to be answered in.
      if (!this.#connections.isOpen(socket) || this.#connections.isAnswered(socket)) socket.destroy();
      else errors.answer(error, socket);
    });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#connections.forget(request.socket);
      options.onUpgrade(request, socket, head);
    });
  }

  get address(): string | undefined {
    const address = this.#server.address() as AddressInfo | null;
    if (address === null) return undefined;
    const scheme = this.#options.certificates === undefined ? 'http' : 'https';
    return `${scheme}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
  }

  listen(): Promise<void> {
    const { bindAddress, section } = this.#options;
    const key = `${section}.bind_address`;
    const { host, port } = splitBindAddress(bindAddress, key);
    const { promise, reject, resolve } = Promise.withResolvers<void>();
    const refuse = (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const text = taken ? 'is in use by another process' : `cannot be bound: ${cause.message}`;
      reject(new GoferError(taken ? 'LOCKED' : 'CONFIG_INVALID', `${key}: ${bindAddress} ${text}.`, { cause }));
    };
    this.#server.once('error', refuse);
    this.#server.listen({ host, port }, () => {
      this.#server.off('error', refuse);
      resolve();
    });
    return promise;
  }

  /** Takes no more connections and ends those that are idle, now and as they become it. Resolves when the last one has ended. */
  close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#forget?.();
    this.#server.close(() => resolve());
    this.#handshakes?.close();
    this.#connections.close();
    return promise;
  }

  /** Ends all connections but those that were upgraded. */
  cutOff(): void {
    this.#handshakes?.close();
    this.#server.closeAllConnections();
  }

  /** A client that does not read its answer is left. Where nothing is to be sent it is the server that is waited for, as in a long poll. */
  #onSilence(socket: Socket): void {
    if (this.#connections.isBusy(socket) && socket.writableLength === 0) socket.setTimeout(this.#silenceMs);
    else socket.destroy();
  }
}

function serverSettings(limits: HttpLimits, headersMs: number) {
  return {
    maxHeaderSize: limits.max_header_size,
    headersTimeout: headersMs,
    // The readers of bodies have limits of their own: an upload may take as long as it goes on.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(15_000, headersMs / 2),
    keepAliveTimeout: KEEP_ALIVE_SECONDS * 1000,
    keepAlive: true,
    noDelay: true,
    requireHostHeader: false,
    // Others, such as a client that offers HTTP/2 in passing, are answered in HTTP/1.1 as if they had not asked.
    shouldUpgradeCallback: (request: IncomingMessage) => request.method === 'GET' && request.headers.upgrade?.toLowerCase() === 'websocket',
  } as const;
}

function createTlsServer(settings: object, certificate: ServedCertificate, handshakeTimeout: number, onRequest: RequestListener) {
  const options: SecureServerOptions = { ...settings, ...contextOf(certificate), ALPNProtocols: ['http/1.1'], handshakeTimeout };
  return createSecureServer(options, onRequest);
}

function contextOf({ cert, key }: ServedCertificate) {
  return { cert, key, minVersion: 'TLSv1.2' } as const;
}

/** A line a minute, however many there are. */
function createDropReport({ max_connections }: HttpLimits, log: PluginLog): () => void {
  let dropped = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  return () => {
    dropped += 1;
    const now = performance.now();
    if (now - toldAt < TELL_OF_DROPPED_MS) return;
    log('warn', 'more connections were asked for than are allowed (limits.max_connections): some were closed', {
      max_connections,
      dropped,
    });
    toldAt = now;
    dropped = 0;
  };
}
