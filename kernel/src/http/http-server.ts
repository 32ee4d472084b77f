/** The server's front door: the application behind its port, and the end of both. */
import type { IncomingMessage } from 'node:http';
import type { PluginLog } from '@gofer/contracts';
import { uuidv7 } from 'uuidv7';
import type { Services } from '../services/services.ts';
import type { CertificateSource } from '../tls/index.ts';
import { type Authority, BYPASSED_AUTHORITY } from './access/authority.ts';
import { clientAddress, isSecure, TrustedProxies } from './access/client-address.ts';
import type { RateLimits } from './access/rate-limits.ts';
import { WebOrigins } from './access/web-origins.ts';
import { WebPageGuard } from './access/web-page-guard.ts';
import { createApiRouter } from './api-router.ts';
import { createDocsRouter } from './docs/docs-router.ts';
import { createDeliveryBodyHandler, createExtensionHandlers } from './handlers/extension-handlers.ts';
import { createIdentityHandlers } from './handlers/identity-handlers.ts';
import { createJsonHandlers } from './handlers/json-handlers.ts';
import { createObjectHandlers } from './handlers/object-handlers.ts';
import { createRawLogHandler } from './handlers/raw-log-handler.ts';
import { createSecretHandlers } from './handlers/secret-handlers.ts';
import { createHttpApp } from './http-app.ts';
import { Lifetimes } from './lifetimes.ts';
import { Listener } from './listener/listener.ts';
import { type HttpServer, ListeningServer } from './listener/listening-server.ts';
import { responseToUpgrade } from './listener/upgrade-response.ts';
import { createProbeRouter } from './probe-router.ts';
import type { HttpLimits } from './request/request-limits.ts';
import { createWebSocketHandlers } from './streams/web-socket-handlers.ts';
import { type Upgrade, WebSocketHub } from './streams/web-socket-hub.ts';

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
  readonly limits: HttpLimits;
  /** Absent: the server speaks in clear. It is whoever has opened it that closes it. */
  readonly certificates?: CertificateSource | undefined;
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

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { config, limits, log, services } = options;
  const requestId = options.requestId ?? uuidv7;
  const authority = options.authority ?? BYPASSED_AUTHORITY;
  const proxies = new TrustedProxies(config.trusted_proxies ?? []);
  const lifetimes = new Lifetimes();
  const webSockets = new WebSocketHub(log, limits.max_web_sockets);
  const upgrades = new WeakMap<IncomingMessage, Upgrade>();
  const handlers = {
    ...createJsonHandlers(services, options.stopTimeout),
    ...createRawLogHandler(services.logs),
    ...createObjectHandlers(services.objects),
    ...createSecretHandlers(services.secrets),
    ...createIdentityHandlers(services),
    ...createExtensionHandlers(services),
    ...createDeliveryBodyHandler(services.deliveries),
    ...createWebSocketHandlers(services),
  };
  const app = createHttpApp({
    routers: [
      createApiRouter({
        handlers,
        access: {
          authority,
          audit: services.audit,
          origins: new WebOrigins({
            origins: config.cors_origins,
            isSecure: (request) => isSecure(request, proxies),
            ...(config.url === undefined ? {} : { url: config.url }),
          }),
          addressOf: (request) => clientAddress(request, proxies),
          isSecure: (request) => isSecure(request, proxies),
          expensive: async (principalId) => options.rateLimits?.expensive(principalId),
          runOfExtension: async (extensionId) => options.rateLimits?.runOfExtension(extensionId),
          refused: async (principalId) => options.rateLimits?.refused(principalId),
          now: Date.now,
        },
        lifetimes,
        webSockets,
        bodyLimits: { size: config.max_body_size, timeMs: config.request_timeout * 1000, depth: limits.max_json_depth },
      }),
      createProbeRouter(() => services.system.readiness()),
      createDocsRouter(options.version),
    ],
    guard: authority.bypassed
      ? new WebPageGuard({ origins: config.cors_origins, ...(config.url === undefined ? {} : { url: config.url }) })
      : undefined,
    corsOrigins: config.cors_origins,
    limits,
    isSecure: (request) => isSecure(request, proxies),
    lifetimes,
    upgrades,
    requestId,
    log,
  });
  const respond = app.callback();
  const listener = new Listener({
    bindAddress: config.bind_address,
    section: 'server',
    limits,
    patienceMs: config.request_timeout * 1000,
    certificates: options.certificates,
    onRequest: (request, response) => void respond(request, response),
    onUpgrade: (request, socket, head) => {
      upgrades.set(request, { socket, head });
      void respond(request, responseToUpgrade(request, log));
    },
    requestId,
    log,
  });
  return new ListeningServer(listener, { lifetimes, webSockets, certificates: options.certificates });
}
