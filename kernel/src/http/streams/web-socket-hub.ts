/** Every open WebSocket of the server: upgrade, keep-alive, closing codes, and the end of them all when the server stops. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { codeOf, GoferError, isGoferError, type PluginLog } from '@gofer/contracts';
import { VERSION_PROTOCOL } from '@gofer/contracts/api';
import { WebSocket, WebSocketServer } from 'ws';
import { AnsweredError } from '../error-answer.ts';
import type { Conversation } from '../route-request.ts';
import { Confirmations } from './confirmations.ts';
import { WebSocketPeer } from './web-socket-peer.ts';

/** Often enough for proxies and address translation, which forget idle connections after a minute. */
const PING_SECONDS = 30;
/** A terminal's input comes in small pieces, and nothing else that clients send is read. */
const MAX_INCOMING_BYTES = 64 * 1024;
/** RFC 6455 §5.5: a control frame carries 125 bytes, two of which are the code. */
const MAX_REASON_BYTES = 123;
/** Behind a reason of which there is more. */
const ELLIPSIS = '…';
/** Somebody has left by then, perhaps. */
const RETRY_SECONDS = 5;
/** RFC 6455 §7.4.1; 1012, from the registry of close codes: the service is restarted, and who follows may come back. */
const CLOSE = { normal: 1000, policy: 1008, error: 1011, restart: 1012 } as const;

/** To come back would end the same way. */
const FINAL: ReadonlySet<string> = new Set(['GONE', 'INVALID_ARGUMENT', 'DATA_LOSS']);

export interface AcceptedSocket {
  readonly protocol: string | undefined;
  readonly conversation: Conversation;
  /** Rejects once the client would not be let in any more; undefined where everybody is. */
  readonly confirm: (() => Promise<void>) | undefined;
}

export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

export class WebSocketHub {
  readonly #open = new Map<WebSocket, WebSocketPeer>();
  readonly #chosen = new WeakMap<IncomingMessage, string>();
  readonly #server: WebSocketServer;
  readonly #log: PluginLog;
  readonly #places: number;
  /** Of those that are open, and those that are about to be. */
  readonly #taken = new Set<Socket>();
  readonly #confirmations: Confirmations;
  #pings: NodeJS.Timeout | undefined;

  /** `places`: how many there may be at once, `limits.max_web_sockets`. */
  constructor(log: PluginLog, places: number) {
    this.#log = log;
    this.#places = places;
    this.#confirmations = new Confirmations(log);
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: MAX_INCOMING_BYTES,
      handleProtocols: (_, request) => this.#chosen.get(request) ?? false,
    });
  }

  /** Takes a place until the connection ends. Throws `RESOURCE_EXHAUSTED` where there is none. */
  reserve(transport: Socket): void {
    if (this.#taken.size >= this.#places) {
      throw new AnsweredError(
        'RESOURCE_EXHAUSTED',
        `${this.#places} WebSockets are open, and no more are taken (limits.max_web_sockets). Try again later.`,
        { headers: { 'retry-after': String(RETRY_SECONDS) } },
      );
    }
    if (transport.destroyed) return;
    this.#taken.add(transport);
    transport.once('close', () => this.#taken.delete(transport));
  }

  /** Upgrades a request that `checkHandshake` has passed and `reserve` has a place for, and holds the conversation until its end. */
  accept(request: IncomingMessage, { socket: transport, head }: Upgrade, { protocol, conversation, confirm }: AcceptedSocket): void {
    if (protocol !== undefined) this.#chosen.set(request, protocol);
    this.#server.handleUpgrade(request, transport, head, (socket) => {
      const peer = new WebSocketPeer(socket, transport);
      this.#add(socket, peer);
      if (confirm !== undefined) this.#confirmations.add(socket, { confirm, refuse: (reason) => peer.close(CLOSE.policy, cut(reason)) });
      this.#hold(socket, peer, conversation(peer)).catch((error: unknown) => {
        this.#log('error', 'a WebSocket could not be closed', { error });
        socket.terminate();
      });
    });
  }

  /** Asks every client to come back later; those that do not leave are cut off by `terminate`. */
  close(): void {
    for (const peer of this.#open.values()) peer.close(CLOSE.restart, 'the server is stopping; reconnect');
  }

  terminate(): void {
    for (const socket of this.#open.keys()) socket.terminate();
  }

  async #hold(socket: WebSocket, peer: WebSocketPeer, conversation: Promise<string>): Promise<void> {
    try {
      const reason = await conversation;
      peer.close(CLOSE.normal, reason);
    } catch (error) {
      if (socket.readyState !== WebSocket.OPEN) return;
      const code = codeOf(error);
      if (code === 'INTERNAL') this.#log('error', 'a stream failed', { error });
      const text =
        isGoferError(error) && code !== 'INTERNAL' ? `${code}: ${error.message}` : "INTERNAL: this is a bug; the server's log has more";
      peer.close(FINAL.has(code) ? CLOSE.policy : CLOSE.error, cut(text));
    }
  }

  #add(socket: WebSocket, peer: WebSocketPeer): void {
    this.#open.set(socket, peer);
    this.#pings ??= setInterval(() => this.#ping(), PING_SECONDS * 1000).unref();
    // What breaks the protocol or the connection ends in `close` as well, and is the client's own affair.
    socket.on('error', (error) => this.#log('debug', 'a WebSocket broke', { error }));
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#open.size > 0) return;
      clearInterval(this.#pings);
      this.#pings = undefined;
    });
  }

  /** Unanswered pings end nobody, as a client may be paused on purpose: dead hosts are found by TCP itself. */
  #ping(): void {
    for (const socket of this.#open.keys()) if (socket.readyState === WebSocket.OPEN) socket.ping();
  }
}

/** Rejects with `INVALID_ARGUMENT` what is no WebSocket handshake (RFC 6455 §4.2.1). */
export function checkHandshake(request: IncomingMessage, upgrade: Upgrade | undefined): asserts upgrade is Upgrade {
  const key = request.headers['sec-websocket-key'] ?? '';
  const fault =
    upgrade === undefined
      ? 'it does not ask for `connection: upgrade` and `upgrade: websocket`'
      : !/^[+/0-9A-Za-z]{22}==$/.test(key)
        ? 'its sec-websocket-key is missing or malformed'
        : request.headers['sec-websocket-version'] !== '13'
          ? 'its sec-websocket-version is not 13'
          : !areProtocols(request.headers['sec-websocket-protocol'])
            ? 'its sec-websocket-protocol is no list of different names'
            : undefined;
  if (fault !== undefined)
    throw new GoferError('INVALID_ARGUMENT', `This route is a WebSocket, and the request is no handshake: ${fault}.`);
}

/** Several tokens (RFC 9110 §5.6.2), none of them twice: whatever else is there is refused, before anything is opened for it. */
const PROTOCOLS = /^[!#$%&'*+.^`|~\w-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^`|~\w-]+)*$/;

function areProtocols(header: string | undefined): boolean {
  if (header === undefined) return true;
  const names = header.split(',').map((name) => name.trim());
  return PROTOCOLS.test(header) && new Set(names).size === names.length;
}

/** The first sub-protocol the client offers that the route has; undefined: none, which is v0's. */
export function chooseProtocol(request: IncomingMessage, offered: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const names = request.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
  const own = names.find((name) => offered !== undefined && Object.hasOwn(offered, name));
  // Browsers break off where they have offered some and none is chosen: this one says nothing of the frames, nor of the credentials.
  return own ?? names.find((name) => name === VERSION_PROTOCOL);
}

function cut(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  let end = MAX_REASON_BYTES - Buffer.byteLength(ELLIPSIS);
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString() + ELLIPSIS;
}
