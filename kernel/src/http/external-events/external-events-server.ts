/** The listener for events from outside: a port of its own, which may be open to others than the API is. It has nothing of the API. */
import type { IncomingMessage } from 'node:http';
import type { PluginLog } from '@gofer/contracts';
import { uuidv7 } from 'uuidv7';
import type { DeliveryService } from '../../services/services.ts';
import type { CertificateSource } from '../../tls/index.ts';
import { clientAddress, isSecure, TrustedProxies } from '../access/client-address.ts';
import { RateLimits } from '../access/rate-limits.ts';
import { createHttpApp } from '../http-app.ts';
import { Lifetimes } from '../lifetimes.ts';
import { Listener } from '../listener/listener.ts';
import { type HttpServer, ListeningServer } from '../listener/listening-server.ts';
import { responseToUpgrade } from '../listener/upgrade-response.ts';
import type { HttpLimits } from '../request/request-limits.ts';
import { BodyRoom } from './body-room.ts';
import { createEventRouter } from './event-router.ts';
import { SenderCounts } from './sender-counts.ts';

/** Keys of the block `[external_events]` as they are configured. */
export interface ExternalEventsConfig {
  readonly bind_address: string;
  readonly max_body_size: number;
  readonly requests_per_minute: number;
  readonly sender_requests_per_minute: number;
}

export interface ExternalEventsServerOptions {
  readonly config: ExternalEventsConfig;
  readonly limits: HttpLimits & { readonly failed_authentications: number };
  /** As for the main listener; `requestTimeout` in seconds. */
  readonly trustedProxies: readonly string[];
  readonly requestTimeout: number;
  readonly certificates: CertificateSource | undefined;
  readonly deliveries: Pick<DeliveryService, 'assertAccepts' | 'accept'>;
  readonly log: PluginLog;
  /** Bytes of bodies that are in memory at once; where there are more, senders are asked to come again. */
  readonly roomBytes?: number;
}

/** Ten of the largest events that GitHub sends. */
const ROOM_BYTES = 256 * 1024 * 1024;

export function createExternalEventsServer(options: ExternalEventsServerOptions): HttpServer {
  const { certificates, config, deliveries, limits, log, requestTimeout, roomBytes = ROOM_BYTES } = options;
  const proxies = new TrustedProxies(options.trustedProxies);
  const lifetimes = new Lifetimes();
  const patienceMs = requestTimeout * 1000;
  const router = createEventRouter({
    deliveries,
    // Counts of its own: who looks for extensions here has not tried a token there.
    rateLimits: new RateLimits({
      failedAuthentications: limits.failed_authentications,
      expensiveRequests: config.requests_per_minute,
    }),
    senders: new SenderCounts({ limit: config.sender_requests_per_minute, now: () => performance.now() }),
    addressOf: (request) => clientAddress(request, proxies),
    maxBodySize: config.max_body_size,
    // One that is allowed must have room when it comes alone.
    room: new BodyRoom(Math.max(roomBytes, config.max_body_size)),
    timeMs: patienceMs,
  });
  const app = createHttpApp({
    routers: [router],
    guard: undefined,
    corsOrigins: [],
    limits,
    isSecure: (request) => isSecure(request, proxies),
    lifetimes,
    upgrades: new WeakMap(),
    requestId: uuidv7,
    log,
  });
  const respond = app.callback();
  const listener = new Listener({
    bindAddress: config.bind_address,
    section: 'external_events',
    limits,
    patienceMs,
    certificates,
    onRequest: (request, response) => void respond(request, response),
    // Nothing here is a WebSocket: it is refused as the same request without the wish would be.
    onUpgrade: (request: IncomingMessage) => void respond(request, responseToUpgrade(request, log)),
    requestId: uuidv7,
    log,
  });
  return new ListeningServer(listener, { lifetimes, certificates });
}
