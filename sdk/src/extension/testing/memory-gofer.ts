/** A Gofer server in memory, over HTTP: what extensions ask of one. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Activity } from './activity.ts';
import { MemoryEvents } from './memory-events.ts';
import { type KitRun, MemoryRuns, toWire } from './memory-runs.ts';
import type { VirtualClock } from './virtual-clock.ts';

export type Outage = 'refuse connections' | '503' | '429' | 'lost answer';
type Answer = { readonly status: number; readonly body?: unknown; readonly bytes?: Uint8Array; readonly headers?: Record<string, string> };

const RUNS = /^\/api\/namespaces\/([^/]+)\/pipelines\/([^/]+)\/runs(?:\/(\d+))?$/;
const TOKEN_PROTOCOL_PREFIX = 'gofer.token.';

export interface MemoryGoferOptions {
  readonly extensionId: string;
  readonly secret: string;
  readonly clock: VirtualClock;
  readonly activity: Activity;
}

export class MemoryGofer {
  readonly runs = new MemoryRuns();
  readonly events: MemoryEvents;
  readonly objects = new Map<string, Uint8Array>();
  /** As the subscriptions of the extension, which it may ask for. */
  subscriptions: readonly unknown[] = [];
  readonly #options: MemoryGoferOptions;
  readonly #server: Server;
  readonly #outages: Outage[] = [];

  constructor(options: MemoryGoferOptions) {
    this.#options = options;
    this.events = new MemoryEvents(options.activity, () => options.clock.now());
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', (request, socket) => this.#upgrade(request, socket));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.events.disconnect();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  failNext(times: number, how: Outage): void {
    for (let time = 0; time < times; time += 1) this.#outages.push(how);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer | 'none';
    try {
      answer = await this.#answer(request, response);
    } catch (error) {
      answer = refuse(400, 'INVALID_ARGUMENT', error instanceof Error ? error.message : String(error));
    }
    if (answer === 'none') return void response.destroy();
    const { status, body, bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body)), headers = {} } = answer;
    response.writeHead(status, { ...headers, 'content-type': body === undefined ? 'application/octet-stream' : 'application/json' });
    response.end(bytes);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<Answer | 'none'> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://gofer');
    if (request.headers.authorization !== `Bearer ${this.#options.secret}`)
      return refuse(401, 'UNAUTHENTICATED', 'The token is not known.');
    if (request.headers['gofer-api-version'] !== 'v0') return refuse(400, 'UNSUPPORTED_VERSION', 'gofer-api-version must be v0.');
    const body = await buffer(request);
    const own = `/api/extensions/${encodeURIComponent(this.#options.extensionId)}`;
    if (pathname === `${own}/subscriptions`) return { status: 200, body: { subscriptions: this.subscriptions } };
    if (pathname === `${own}/objects` || pathname.startsWith(`${own}/objects/`))
      return this.#object(request.method, pathname.slice(`${own}/objects/`.length), body, searchParams.get('force') === 'true');
    const [, namespaceId, pipelineId, runId] = RUNS.exec(pathname)?.map((part) => part && decodeURIComponent(part)) ?? [];
    if (namespaceId === undefined || pipelineId === undefined) return refuse(404, 'NOT_FOUND', `There is no ${pathname}.`);
    const pipeline = { namespaceId, pipelineId };
    if (runId !== undefined) {
      await this.#untilEnded(() => this.runs.find(pipeline, Number(runId)), Number(searchParams.get('wait') ?? 0), response);
      const run = this.runs.find(pipeline, Number(runId));
      return run === undefined ? refuse(404, 'NOT_FOUND', `There is no run ${runId}.`) : { status: 200, body: { run: toWire(run) } };
    }
    const { variables = {} } = JSON.parse(body.toString()) as { variables?: Record<string, string> };
    const idempotencyKey = String(request.headers['idempotency-key'] ?? '');
    const deliveryId = request.headers['gofer-delivery-id'];
    const asked = {
      pipeline,
      idempotencyKey,
      variables,
      ...(typeof deliveryId === 'string' ? { deliveryId } : {}),
      at: this.#options.clock.now(),
    };
    this.runs.requests.push(asked);
    const outage = this.#outages.shift();
    if (outage === 'refuse connections') return 'none';
    if (outage === '503') return refuse(503, 'UNAVAILABLE', 'The server starts no runs at present.');
    if (outage === '429') return refuse(429, 'RESOURCE_EXHAUSTED', 'Too many requests.', { 'retry-after': '1' });
    const run = this.runs.start(asked);
    return outage === 'lost answer' ? 'none' : { status: 201, body: { run: toWire(run) } };
  }

  /** Until then the request waits for the test. */
  async #untilEnded(find: () => KitRun | undefined, seconds: number, response: ServerResponse): Promise<void> {
    const { activity, clock } = this.#options;
    const isRunning = (): boolean => find()?.state === 'running';
    if (seconds <= 0 || !isRunning()) return;
    const release = activity.hold();
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (isRunning() && !response.destroyed && clock.now() < until) return;
        release();
        forget();
        cancel();
        resolve();
      };
      const until = clock.now() + seconds * 1000;
      const forget = this.runs.onFinish(look);
      const cancel = clock.at(until, look);
      response.once('close', look);
    });
  }

  #object(method: string | undefined, encoded: string, body: Buffer, force: boolean): Answer {
    if (encoded === '') return { status: 200, body: { objects: [...this.objects.keys()].map((key) => ({ key, created: 0 })) } };
    const key = decodeURIComponent(encoded);
    const there = this.objects.get(key);
    if (Buffer.byteLength(key) > 1024) return refuse(400, 'INVALID_ARGUMENT', "The object's key must be 1 to 1,024 bytes.");
    if (method === 'GET') return there === undefined ? refuse(404, 'NOT_FOUND', 'There is no such object.') : { status: 200, bytes: there };
    if (method === 'POST') {
      if (there !== undefined && !force) return refuse(409, 'ALREADY_EXISTS', `There is an object ${JSON.stringify(key)} already.`);
      // The list is by age.
      this.objects.delete(key);
      this.objects.set(key, new Uint8Array(body));
      return { status: 201, body: { object: { key, created: this.#options.clock.now() } } };
    }
    this.objects.delete(key);
    return { status: 204 };
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://gofer');
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const version = offered.find((name) => name === 'gofer.api.v0');
    const isKnown = offered.includes(TOKEN_PROTOCOL_PREFIX + this.#options.secret);
    if (pathname !== '/api/events' || version === undefined || !isKnown) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    this.events.follow(request, socket, searchParams, version);
  }
}

function refuse(status: number, code: string, message: string, headers: Record<string, string> = {}): Answer {
  return { status, body: { request_id: 'kit', error_code: code, message }, headers };
}
