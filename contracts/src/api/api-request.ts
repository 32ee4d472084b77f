/** A request to a route, ready for any transport: the typed half of a client that both a command and a browser can use. */

import type { RouteDefinition } from './route.ts';
import {
  API_VERSION,
  API_VERSION_HEADER,
  type BodyOf,
  type HeadersOf,
  type OperationId,
  type PathOf,
  type QueryOf,
  ROUTES,
} from './routes.ts';

type Part<Name extends string, Value> = [keyof Value] extends [never]
  ? { readonly [N in Name]?: undefined }
  : { readonly [N in Name]: Value };
type Body<Id extends OperationId> = BodyOf<Id> extends undefined ? { readonly body?: undefined } : { readonly body: BodyOf<Id> };

/** What a caller gives: path parameters and body where the route has them, and whatever it likes of query and headers. */
export type ApiCall<Id extends OperationId> = Part<'path', PathOf<Id>> &
  Body<Id> & {
    readonly query?: Loose<QueryOf<Id>>;
    readonly headers?: Loose<HeadersOf<Id>>;
  };
/** Every field may be absent or undefined. */
type Loose<Fields> = { readonly [Name in keyof Fields]?: Fields[Name] | undefined };

/** The second argument may be left out where nothing in it is required. */
export type ApiCallArguments<Id extends OperationId> = object extends ApiCall<Id> ? [call?: ApiCall<Id>] : [call: ApiCall<Id>];

export interface ApiRequest {
  readonly method: RouteDefinition['method'];
  /** Path and query, percent-encoded, beginning with `/api/`. */
  readonly target: string;
  /** Lower-case names; the API version's among them, credentials not. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

type Scalar = string | number | boolean | undefined;
interface Parts {
  readonly path?: Readonly<Record<string, Scalar>> | undefined;
  readonly query?: Readonly<Record<string, Scalar>> | undefined;
  readonly headers?: Readonly<Record<string, Scalar>> | undefined;
  readonly body?: unknown;
}

/** Builds the request of an operation. Pure; throws only on a path parameter that is missing at run time. */
export function toApiRequest<Id extends OperationId>(operationId: Id, ...[call]: ApiCallArguments<Id>): ApiRequest {
  const route: RouteDefinition = ROUTES[operationId];
  const parts: Parts = call ?? {};
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = parts.path?.[name];
    if (value === undefined || value === '') throw new TypeError(`${operationId} needs the path parameter ${name}`);
    return encodeURIComponent(String(value));
  });
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parts.query ?? {})) if (value !== undefined) query.set(name, String(value));
  const headers: Record<string, string> = {
    [API_VERSION_HEADER]: API_VERSION,
    accept: 'application/json',
  };
  for (const [name, value] of Object.entries(parts.headers ?? {})) if (value !== undefined) headers[name] = String(value);
  const target = query.size === 0 ? path : `${path}?${query}`;
  if (parts.body === undefined) return { method: route.method, target, headers };
  headers['content-type'] = 'application/json';
  return {
    method: route.method,
    target,
    headers,
    body: JSON.stringify(parts.body),
  };
}
