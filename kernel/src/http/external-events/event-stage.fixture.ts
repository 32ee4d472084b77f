/** The listener for external events with everything behind it, and requests to it as raw as a test needs. */
import { type IncomingHttpHeaders, request } from 'node:http';
import { request as requestSecurely } from 'node:https';
import { connect } from 'node:net';
import { SYSTEM_CLOCK } from '../../clock/clock.ts';
import { DeliveryDispatcher } from '../../extensions/delivery-dispatcher.ts';
import { DeliveryStage, type ListeningExtension } from '../../extensions/delivery-stage.fixture.ts';
import { StoredDeliveryService } from '../../services/delivery-service.ts';
import type { HttpServer } from '../listener/listening-server.ts';
import { LIMITS } from '../test-client.fixture.ts';
import { createExternalEventsServer, type ExternalEventsServerOptions } from './external-events-server.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly code: string | undefined;
}
interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: Buffer | string;
  /** The authority that is trusted: TLS is spoken. */
  readonly ca?: string;
}
type Changes = Partial<Omit<ExternalEventsServerOptions, 'config'>> & {
  readonly config?: Partial<ExternalEventsServerOptions['config']>;
  readonly maxPending?: number;
  readonly maxStoredBytes?: number;
};

export class EventStage {
  readonly stage = new DeliveryStage();
  /** What of the disk is short of room. */
  readonly shortages: string[] = [];
  readonly #servers: HttpServer[] = [];
  readonly #dispatcher: DeliveryDispatcher;
  #extension: ListeningExtension | undefined;

  /** With the extension `github`, and a listener without limits. */
  static async open(): Promise<EventStage> {
    const events = new EventStage();
    events.#extension = await events.stage.install('github');
    await events.open();
    return events;
  }

  private constructor() {
    const { store, log } = this.stage;
    this.#dispatcher = new DeliveryDispatcher({ store, calls: this.stage, clock: SYSTEM_CLOCK, random: () => 0, log });
  }

  get extension(): ListeningExtension {
    if (this.#extension === undefined) throw new Error('it is not open');
    return this.#extension;
  }

  /** The listener that was opened last. */
  get server(): HttpServer {
    const server = this.#servers.at(-1);
    if (server === undefined) throw new Error('it is not open');
    return server;
  }

  /** Another listener, which everything is sent to from now on. */
  async open({ config = {}, maxPending = 1000, maxStoredBytes = 1_000_000, ...changes }: Changes = {}): Promise<void> {
    const { store, log } = this.stage;
    const disk = { shortages: () => this.shortages };
    const server = createExternalEventsServer({
      config: { bind_address: '127.0.0.1:0', max_body_size: 100_000, requests_per_minute: 0, sender_requests_per_minute: 0, ...config },
      limits: { ...LIMITS, failed_authentications: 0 },
      trustedProxies: [],
      requestTimeout: 30,
      certificates: undefined,
      deliveries: new StoredDeliveryService({ store, dispatcher: this.#dispatcher, disk, maxPending, maxStoredBytes, now: Date.now }),
      log,
      ...changes,
    });
    await server.listen();
    this.#servers.push(server);
  }

  async close(): Promise<void> {
    for (const server of this.#servers) await server.close(1000);
    await this.#dispatcher.close(1000);
    await this.stage.close();
  }

  get port(): number {
    return Number(new URL(this.server.address ?? '').port);
  }

  send(path: string, { method = 'POST', headers = {}, body, ca }: Sent = {}): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const secure = ca === undefined ? {} : { ca };
    const options = { host: '127.0.0.1', port: this.port, method, path, headers, agent: false as const };
    const outgoing = (ca === undefined ? request : requestSecurely)({ ...options, ...secure }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () => {
        const text = Buffer.concat(chunks).toString();
        const status = incoming.statusCode ?? 0;
        const code = text === '' ? undefined : (JSON.parse(text) as { error_code: string }).error_code;
        resolve({ status, headers: incoming.headers, text, code });
      });
    });
    outgoing.once('error', reject);
    outgoing.end(body);
    return promise;
  }

  /** Bytes as they are; resolves with everything that comes back until the connection ends. */
  raw(...pieces: (string | Buffer)[]): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    let text = '';
    const socket = connect(this.port, '127.0.0.1', () => {
      for (const piece of pieces) socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    });
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', (error) => {
      text += `[${error.message}]`;
    });
    socket.once('close', () => resolve(text));
    return promise;
  }
}
