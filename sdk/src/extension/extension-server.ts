/** The HTTP server of an extension: who asks, for what, how much, and what is answered. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { ExtensionLog } from './extension.ts';
import { type ExtensionRoute, refusalOf } from './extension-routes.ts';
import { createKeyCheck } from './key-check.ts';
import { readBody } from './request-body.ts';
import { RequestRefusal } from './request-refusal.ts';

const HEADERS_MS = 15_000;
/** A whole external event over a slow line. */
const REQUEST_MS = 120_000;
const KEEP_ALIVE_MS = 60_000;

export interface ExtensionServerOptions {
  readonly secret: string;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly routes: ReadonlyMap<string, ExtensionRoute>;
  readonly log: ExtensionLog;
  /** Called when a request has come in whole. */
  readonly onRequest: (() => void) | undefined;
}

export function createExtensionServer({ secret, tls, routes, log, onRequest }: ExtensionServerOptions): Server {
  const checkKey = createKeyCheck(secret);
  const listener: RequestListener = (request, response) => {
    const requestId = randomUUID();
    answer(request, response, requestId).catch((error: unknown) => {
      log('error', 'an answer could not be given', { request_id: requestId, error });
      response.destroy();
    });
  };

  async function answer(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    try {
      const route = find(routes, request);
      if (route.open !== true) checkKey(request.headers.authorization);
      const body = await readBody(request, route.bodyLimit);
      onRequest?.();
      const value = await route.answer(body, request.headers);
      if (value === undefined) send(response, 204, requestId, undefined);
      else send(response, 200, requestId, value);
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === undefined) log('error', `${request.method} ${pathOf(request)} failed`, { request_id: requestId, error });
      const { statusCode, errorCode, message } = refusal ?? {
        statusCode: 500,
        errorCode: 'INTERNAL',
        message: `The extension failed; its log says why (${requestId}).`,
      };
      send(response, statusCode, requestId, { request_id: requestId, error_code: errorCode, message });
      if (!request.complete) response.once('finish', () => lingering(request));
    }
  }

  const options = {
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: HEADERS_MS / 3,
  };
  const server = tls === undefined ? createServer(options, listener) : createSecureServer({ ...options, ...tls }, listener);
  // One that ends closes what is idle once; what becomes idle after that would hold it up.
  server.on('request', (_, response: ServerResponse) => {
    response.once('close', () => server.listening || setImmediate(() => server.closeIdleConnections()));
  });
  return server;
}

/** A client reads the answer only once it has sent, and would find a reset instead: what it goes on with is thrown away for a while. */
const LINGER_MS = 2000;

function lingering(request: IncomingMessage): void {
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
  request.resume();
}

function find(routes: ReadonlyMap<string, ExtensionRoute>, request: IncomingMessage): ExtensionRoute {
  const path = pathOf(request);
  const route = routes.get(`${request.method} ${path}`);
  if (route !== undefined) return route;
  if ([...routes.keys()].some((known) => known.endsWith(` ${path}`)))
    throw new RequestRefusal(405, 'METHOD_NOT_ALLOWED', `${path} does not take ${request.method}.`);
  throw new RequestRefusal(404, 'NOT_FOUND', 'An extension has no such path.');
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

function send(response: ServerResponse, statusCode: number, requestId: string, value: unknown): void {
  response.statusCode = statusCode;
  response.setHeader('x-request-id', requestId);
  if (value === undefined) {
    response.end();
    return;
  }
  const body = JSON.stringify(value);
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
}
