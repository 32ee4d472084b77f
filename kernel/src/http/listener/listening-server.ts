/** A listener with what is behind it: opened, reloaded and closed as one. */
import type { CertificateSource } from '../../tls/index.ts';
import type { Lifetimes } from '../lifetimes.ts';
import type { WebSocketHub } from '../streams/web-socket-hub.ts';
import type { Listener } from './listener.ts';

export interface HttpServer {
  /** Resolves once connections are accepted. Rejects with `LOCKED` where the port is taken, with `CONFIG_INVALID` for an address that cannot be bound. */
  listen(): Promise<void>;
  /** Where it listens, as `http://host:port` or `https://host:port`; undefined before `listen`. */
  readonly address: string | undefined;
  /** Takes the certificate anew, where there is one; connections that are open go on. What cannot be used is logged, and not taken. */
  reload(): Promise<void>;
  /**
   * Takes no more connections, asks WebSockets to come back later (1012, service restart), wakes what waits, lets requests in progress finish for `graceMs`, then
   * cuts off what is left. A second call does nothing more.
   */
  close(graceMs: number): Promise<void>;
}

const WEB_SOCKET_LEAVE_MS = 2_000;

interface Parts {
  readonly lifetimes: Lifetimes;
  /** Absent where none are spoken. */
  readonly webSockets?: Pick<WebSocketHub, 'close' | 'terminate'>;
  readonly certificates: CertificateSource | undefined;
}

export class ListeningServer implements HttpServer {
  readonly #listener: Listener;
  readonly #parts: Parts;
  #closing: Promise<void> | undefined;

  constructor(listener: Listener, parts: Parts) {
    this.#listener = listener;
    this.#parts = parts;
  }

  get address(): string | undefined {
    return this.#listener.address;
  }

  listen(): Promise<void> {
    return this.#listener.listen();
  }

  async reload(): Promise<void> {
    await this.#parts.certificates?.reload();
  }

  close(graceMs: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    const { lifetimes, webSockets } = this.#parts;
    const closed = this.#listener.close();
    webSockets?.close();
    lifetimes.end();
    // A follower that has stopped reading does not hear that it is asked to leave; everybody else has by then.
    const hangUp = setTimeout(() => webSockets?.terminate(), Math.min(graceMs, WEB_SOCKET_LEAVE_MS));
    const cutOff = setTimeout(() => {
      webSockets?.terminate();
      this.#listener.cutOff();
    }, graceMs);
    await closed;
    clearTimeout(hangUp);
    clearTimeout(cutOff);
  }
}
