/**
 * The route table bound to its handlers. Checks run in one order: route, credentials, version, permission, path, query, headers, body.
 * Everything that depends on the route alone is made once, here, so that a request pays for its own values only.
 */
import { GoferError } from '@gofer/contracts';
import {
  API_VERSION,
  API_VERSION_HEADER,
  type OperationId,
  PATH_PARAMETERS,
  type PathParameterName,
  type Permission,
  ROUTES,
  type RouteDefinition,
  SESSION_COOKIE,
  VERSION_PROTOCOL,
} from '@gofer/contracts/api';
import type { Context, Middleware } from 'koa';
import { Router } from 'koa-router';
import type { TargetIds } from '../domain/index.ts';
import type { Principal } from './access/authority.ts';
import { type AccessOptions, Checkpoint } from './access/checkpoint.ts';
import { sessionSecretOf } from './access/credentials.ts';
import { compressAnswers } from './compress-answers.ts';
import type { HttpState } from './http-app.ts';
import type { Lifetimes } from './lifetimes.ts';
import { BodyValidator } from './request/body-validator.ts';
import { type BodyLimits, readJsonBody } from './request/json-body.ts';
import { Parameters, type ParametersSchema, type Values } from './request/parameters.ts';
import { readUpload, type UploadBody } from './request/upload-body.ts';
import type { Conversation, Handlers } from './route-request.ts';
import { checkHandshake, chooseProtocol, type WebSocketHub } from './streams/web-socket-hub.ts';

export interface ApiRouterOptions {
  readonly handlers: Handlers;
  readonly access: AccessOptions;
  readonly lifetimes: Lifetimes;
  readonly webSockets: WebSocketHub;
  /** Of bodies that are JSON. */
  readonly bodyLimits: BodyLimits;
}

/** Bytes of every body but a pipeline's definition: a secret of 1 MiB, each of its characters escaped, fits in. */
const USUAL_BODY = 8 * 1024 * 1024;

export function createApiRouter(options: ApiRouterOptions): Router<HttpState> {
  const router = new Router<HttpState>({ sensitive: true });
  const compressed = compressAnswers();
  for (const [id, route] of Object.entries(ROUTES) as [OperationId, RouteDefinition][]) {
    const path = route.path.replace(/\{(\w+)\}/g, ':$1');
    const handle = passing(literalsWithin(route.path), bindRoute(id, route, options));
    router.register(path, [route.method], route.kind === 'json' && route.method === 'GET' ? [compressed, handle] : [handle], { name: id });
  }
  return router;
}

/** The paths without parameters that a path with some would take too: they are their own, with every method. */
function literalsWithin(path: string): ReadonlySet<string> {
  const shape = new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`);
  const others: readonly RouteDefinition[] = Object.values(ROUTES);
  return new Set(
    others.flatMap((other) => (other.path !== path && !other.path.includes('{') && shape.test(other.path) ? [other.path] : [])),
  );
}

function passing(others: ReadonlySet<string>, handle: Middleware<HttpState>): Middleware<HttpState> {
  return others.size === 0 ? handle : (context, next) => (others.has(context.path) ? next() : handle(context, next));
}

/** A handler whatever its operation: what the table's types say of each is erased where they are walked. */
type AnyHandler = (request: ErasedRequest, extra: Context | UploadBody | string | undefined) => Promise<unknown>;

interface CheckedRequest {
  readonly path: Values;
  readonly query: Values;
  readonly headers: Values;
  readonly body: unknown;
  readonly principal: Principal;
  readonly may: (permission: Permission, ids?: TargetIds) => boolean;
  readonly isSession: boolean;
  readonly session: string | undefined;
  readonly setSessionCookie: (value: string | undefined, seconds: number) => void;
}

class ErasedRequest implements CheckedRequest {
  readonly path: Values;
  readonly query: Values;
  readonly headers: Values;
  readonly body: unknown;
  readonly principal: Principal;
  readonly may: CheckedRequest['may'];
  readonly isSession: boolean;
  readonly session: string | undefined;
  readonly setSessionCookie: CheckedRequest['setSessionCookie'];
  readonly #makeSignal: () => AbortSignal;
  #signal: AbortSignal | undefined;

  constructor(checked: CheckedRequest, makeSignal: () => AbortSignal) {
    this.path = checked.path;
    this.query = checked.query;
    this.headers = checked.headers;
    this.body = checked.body;
    this.principal = checked.principal;
    this.may = checked.may;
    this.isSession = checked.isSession;
    this.session = checked.session;
    this.setSessionCookie = checked.setSessionCookie;
    this.#makeSignal = makeSignal;
  }

  get signal(): AbortSignal {
    this.#signal ??= this.#makeSignal();
    return this.#signal;
  }
}

function bindRoute(id: OperationId, route: RouteDefinition, options: ApiRouterOptions): Middleware<HttpState> {
  const { access, lifetimes, webSockets } = options;
  const bodyLimits =
    route.bodyCheck === 'service' ? options.bodyLimits : { ...options.bodyLimits, size: Math.min(options.bodyLimits.size, USUAL_BODY) };
  // The table's type holds `handlers` to one function of the right type for each operation; walking the table forgets which is which.
  const handler = options.handlers[id] as unknown as AnyHandler;
  const path = new Parameters('path', pathSchema(route.path));
  const query = new Parameters('query', route.query);
  const headers = new Parameters('header', route.headers);
  const validator = route.body === undefined || route.bodyCheck === 'service' ? undefined : new BodyValidator(route.body);
  const checkpoint = new Checkpoint(id, route, access);

  return async (context) => {
    const request = context.req;
    const caller = await checkpoint.identify(context);
    if (route.unversioned !== true) checkVersion(context, route);
    await checkpoint.admit(caller, context);
    const upgrade = context.state.upgrade;
    if (route.kind === 'websocket') {
      checkHandshake(request, upgrade);
      webSockets.reserve(request.socket);
    }
    const pathValues = path.read(context.params);
    const queryValues = query.readQuery(context.state.query);
    const headerValues = headers.read(request.headers);
    const body = route.body === undefined ? undefined : await readBody(context, bodyLimits, validator);
    const ends = route.kind === 'websocket' ? request.socket : context.res;
    const { principal } = caller;
    const erased = new ErasedRequest(
      {
        path: pathValues,
        query: queryValues,
        headers: headerValues,
        body,
        principal,
        may: (permission, ids = context.params) => access.authority.authorize(principal, permission, ids),
        isSession: caller.presented.kind === 'session',
        session: sessionSecretOf(request),
        setSessionCookie: (value, seconds) => context.append('set-cookie', sessionCookie(value, seconds, access.isSecure(request))),
      },
      () => lifetimes.signal(ends),
    );
    const parts = { path: context.params, query: queryValues, body };

    if (route.kind === 'raw') {
      await checkpoint.audited(caller, parts, () => handler(erased, context));
    } else if (route.kind === 'websocket' && upgrade !== undefined) {
      const protocol = chooseProtocol(request, route.protocols);
      const conversation = (await checkpoint.audited(caller, parts, () => handler(erased, protocol))) as Conversation;
      context.respond = false;
      context.res.detachSocket(request.socket);
      const confirm = access.authority.bypassed ? undefined : () => checkpoint.confirm(caller, context.params);
      webSockets.accept(request, upgrade, { protocol, conversation, confirm });
    } else {
      const confirm = () => checkpoint.confirm(caller, context.params);
      const extra = route.kind === 'upload' ? confirmedAtEnd(readUpload(request, context.res, bodyLimits.timeMs), confirm) : undefined;
      const answer = await checkpoint.audited(caller, parts, () => handler(erased, extra));
      // It may have been an hour, and what is answered is from now.
      if (queryValues['wait'] !== undefined) await confirm();
      answerJson(context, route.status, answer);
    }
  };
}

/** A body may take its time, and nothing is kept of it before its end: whoever sends it must still be allowed to then. */
function confirmedAtEnd({ size, pieces }: UploadBody, confirm: () => Promise<void>): UploadBody {
  return {
    size,
    pieces: (async function* () {
      yield* pieces;
      await confirm();
    })(),
  };
}

function answerJson(context: Context, status: number, answer: unknown): void {
  context.status = status;
  if (status === 204) return;
  context.set('content-type', 'application/json');
  context.body = JSON.stringify(answer);
}

async function readBody(context: Context, limits: BodyLimits, validator: BodyValidator | undefined): Promise<unknown> {
  const { value: body = {}, size } = await readJsonBody(context.req, context.res, limits);
  if (validator !== undefined) validator.check(body, size);
  else if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new GoferError('INVALID_ARGUMENT', 'The body must be a JSON object.');
  return body;
}

function checkVersion(context: Context, route: RouteDefinition): void {
  let version = context.req.headers[API_VERSION_HEADER];
  if (version === undefined && route.kind === 'websocket') version = versionOfSocket(context);
  if (version === API_VERSION) return;
  const fault = version === undefined ? 'is missing' : `is ${JSON.stringify(version).slice(0, 60)}`;
  throw new GoferError('UNSUPPORTED_VERSION', `The header ${API_VERSION_HEADER} ${fault}; this server speaks ${API_VERSION}.`);
}

/** Browsers cannot set headers on a WebSocket. */
function versionOfSocket(context: Context): string | undefined {
  const inQuery = new URLSearchParams(String(context.state.query)).get(API_VERSION_HEADER);
  if (inQuery !== null) return inQuery;
  const offered = context.req.headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
  return offered.includes(VERSION_PROTOCOL) ? API_VERSION : undefined;
}

/** RFC 6265: out of reach of scripts, of other sites, and of connections that others can read where this one they cannot. */
function sessionCookie(value: string | undefined, seconds: number, secure: boolean): string {
  const life = value === undefined ? 0 : seconds;
  return `${SESSION_COOKIE}=${value ?? ''}; Path=/; Max-Age=${life}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}

function pathSchema(path: string): ParametersSchema {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as PathParameterName);
  return { properties: Object.fromEntries(names.map((name) => [name, PATH_PARAMETERS[name]])), required: names };
}
