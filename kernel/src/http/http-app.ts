/** The chain that every request passes: request id, error answers, target, guard, CORS, routes. */
import type { IncomingMessage } from 'node:http';
import { codeOf, GoferError, type PluginLog } from '@gofer/contracts';
import { API_VERSION_HEADER } from '@gofer/contracts/api';
import cors from '@koa/cors';
import Koa, { type Context, type ParameterizedContext } from 'koa';
import type { Router } from 'koa-router';
import type { WebPageGuard } from './access/web-page-guard.ts';
import { AnsweredError, toErrorAnswer } from './error-answer.ts';
import type { Lifetimes } from './lifetimes.ts';
import { checkRequestLimits, type HttpLimits } from './request/request-limits.ts';
import { parseRequestTarget } from './request/request-target.ts';
import { setSecurityHeaders } from './security-headers.ts';
import type { Upgrade } from './streams/web-socket-hub.ts';

export interface HttpState {
  requestId: string;
  /** Raw, without the `?`. */
  query: string;
  upgrade: Upgrade | undefined;
}

export interface HttpAppOptions {
  readonly routers: readonly Router<HttpState>[];
  /** Absent where credentials are asked for: then they keep web pages out. */
  readonly guard: WebPageGuard | undefined;
  readonly corsOrigins: readonly string[];
  readonly limits: HttpLimits;
  /** Whether the client's own connection is encrypted. */
  readonly isSecure: (request: IncomingMessage) => boolean;
  readonly lifetimes: Lifetimes;
  readonly upgrades: WeakMap<IncomingMessage, Upgrade>;
  readonly requestId: () => string;
  readonly log: PluginLog;
}

/** How Node tells that the other side is no longer there. */
const CLIENT_GONE: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_DESTROYED',
]);

export function createHttpApp(options: HttpAppOptions): Koa<HttpState> {
  const { guard, isSecure, lifetimes, limits, log, requestId, routers, upgrades } = options;
  const app = new Koa<HttpState>();
  app.on('error', (error: NodeJS.ErrnoException) => {
    if (CLIENT_GONE.has(error.code ?? '')) log('debug', 'a client went away in the middle of an answer', { error });
    else log('error', 'an answer failed on its way', { error });
  });

  app.use(async (context, next) => {
    context.state.requestId = requestId();
    context.state.upgrade = upgrades.get(context.req);
    context.res.setHeader('x-request-id', context.state.requestId);
    setSecurityHeaders(context.req, context.res, isSecure(context.req));
    try {
      checkRequestLimits(context.req, limits);
      const target = parseRequestTarget(context.req.url ?? '/');
      context.state.query = target.query;
      context.req.url = target.query === '' ? target.path : `${target.path}?${target.query}`;
      guard?.check(target.authority ?? context.req.headers.host, context.req.headers.origin);
      await next();
    } catch (error) {
      answerError(context, error, log);
    }
    if (lifetimes.ended && !context.res.headersSent) context.res.setHeader('connection', 'close');
  });
  if (options.corsOrigins.length > 0) app.use(createCors(new Set(options.corsOrigins)));
  for (const router of routers) app.use(router.routes());
  app.use((context) => refuse(context, routers));
  return app;
}

/** The library opens every origin unless it is told otherwise. */
function createCors(origins: ReadonlySet<string>): Koa.Middleware {
  return cors({
    origin: (context) => (origins.has(context.get('origin')) ? context.get('origin') : ''),
    allowMethods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
    allowHeaders: ['authorization', 'content-type', API_VERSION_HEADER, 'idempotency-key', 'if-none-match', 'if-range', 'range'],
    exposeHeaders: ['x-request-id', 'etag', 'content-range', 'gofer-log-complete'],
    maxAge: 600,
  });
}

/** What no route took: its path is unknown, or its method. */
function refuse(context: ParameterizedContext<HttpState>, routers: readonly Router<HttpState>[]): never {
  const { method, path } = context;
  const layers = routers.flatMap((router) => router.match(path, method).path);
  const literal = layers.filter((layer) => layer.path === path);
  const methods = (literal.length > 0 ? literal : layers).flatMap((layer) => layer.methods);
  if (methods.length === 0) throw new GoferError('NOT_FOUND', `There is nothing at ${path.slice(0, 300)}.`);
  const allowed = [...new Set(methods)].sort();
  throw new AnsweredError('METHOD_NOT_ALLOWED', `${path.slice(0, 300)} does not take ${method}; it takes ${allowed.join(', ')}.`, {
    headers: { allow: allowed },
  });
}

function answerError(context: ParameterizedContext<HttpState> & Pick<Context, 'remove'>, thrown: unknown, log: PluginLog): void {
  const aborted = thrown instanceof Error && thrown.name === 'AbortError';
  const error = aborted ? new GoferError('CANCELLED', 'The client went away, or the server is stopping.', { cause: thrown }) : thrown;
  const { requestId } = context.state;
  const code = codeOf(error);
  if (code === 'INTERNAL')
    log('error', 'a request failed: this is a bug', { requestId, method: context.method, path: context.path, error });
  if (context.res.headersSent) {
    context.res.destroy();
    return;
  }
  const answer = toErrorAnswer(error, requestId);
  context.respond = true;
  for (const name of ['etag', 'accept-ranges', 'content-encoding', 'gofer-log-complete']) context.remove(name);
  if (error instanceof AnsweredError)
    for (const [name, value] of Object.entries(error.headers)) context.set(name, typeof value === 'string' ? value : [...value]);
  context.status = answer.status;
  context.set('content-type', 'application/json');
  context.set('cache-control', 'no-store');
  context.body = answer.body;
}
