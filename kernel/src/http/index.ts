export type { Authority, Principal } from './access/authority.ts';
export { createBypassedAuthority } from './access/authority.ts';
export { FailureLog } from './access/failure-log.ts';
export { RateLimits } from './access/rate-limits.ts';
export { TokenAuthority } from './access/token-authority.ts';
export { createExternalEventsServer, type ExternalEventsConfig } from './external-events/external-events-server.ts';
export type { HttpConfig, HttpServerOptions } from './http-server.ts';
export { createHttpServer } from './http-server.ts';
export type { HttpServer } from './listener/listening-server.ts';
