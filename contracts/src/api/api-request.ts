/** A request to a route, ready for any transport: the typed half of a client that both a command and a browser can use. */

import { GoferError } from '../errors.ts';
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
  /** Absent where there is none, and for an upload, whose bytes the caller sends. */
  readonly body?: string;
}

interface Parts {
  readonly path?: object | undefined;
  readonly query?: object | undefined;
  readonly headers?: object | undefined;
  readonly body?: unknown;
}

/**
 * Builds the request of an operation. Pure; throws on a path parameter that is missing at run time, and `INVALID_ARGUMENT` on one that
 * is `.` or `..`: in a URL these climb, percent-encoded too, so that the request would reach another resource.
 */
export function toApiRequest<Id extends OperationId>(operationId: Id, ...[call]: ApiCallArguments<Id>): ApiRequest {
  const route: RouteDefinition = ROUTES[operationId];
  const parts: Parts = call ?? {};
  const values = new Map(scalars(parts.path));
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values.get(name);
    if (value === undefined || value === '') throw new TypeError(`${operationId} needs the path parameter ${name}`);
    if (value === '.' || value === '..') throw new GoferError('INVALID_ARGUMENT', `"${value}" cannot be the ${name} of anything`);
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams(scalars(parts.query)).toString();
  const accept = route.kind === 'raw' ? '*/*' : 'application/json';
  const headers = { [API_VERSION_HEADER]: API_VERSION, accept, ...Object.fromEntries(scalars(parts.headers)) };
  const target = query === '' ? path : `${path}?${query}`;
  if (route.kind === 'upload') return { method: route.method, target, headers: { ...headers, 'content-type': 'application/octet-stream' } };
  if (parts.body === undefined) return { method: route.method, target, headers };
  return {
    method: route.method,
    target,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(parts.body),
  };
}

type Scalar = string | number | boolean;

/** What is there of a part, as text; each item of a list on its own. */
function scalars(part: object | undefined): [string, string][] {
  const entries = Object.entries(part ?? {}) as [string, Scalar | readonly Scalar[] | undefined][];
  return entries.flatMap(([name, value]) => [value ?? []].flat().map((item): [string, string] => [name, String(item)]));
}
