export type { Authority, Principal } from './authority.ts';
export { BYPASSED_AUTHORITY } from './authority.ts';
export { FailureLog } from './failure-log.ts';
export type { HttpConfig, HttpServer, HttpServerOptions } from './http-server.ts';
export { createHttpServer } from './http-server.ts';
export { RateLimits } from './rate-limits.ts';
export { TokenAuthority } from './token-authority.ts';
