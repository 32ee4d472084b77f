/**
 * What a route is. One table of these (`ROUTES`) is the API: server binding, validation, permissions, OpenAPI, typed clients and the
 * documentation all come from it, and a route cannot be written down without its permission.
 */
import type { Static, TObject, TSchema } from 'typebox';
import * as Type from 'typebox';

/** What a permission can be about, as roles name it. */
export const RESOURCES = [
  'all',
  'configs',
  'deployments',
  'events',
  'extensions',
  'namespaces',
  'objects',
  'permissions',
  'pipelines',
  'runs',
  'secrets',
  'subscriptions',
  'system',
  'task_executions',
  'tokens',
] as const;
export type Resource = (typeof RESOURCES)[number];

/** The path parameter that a resource's target is matched against; a route without that parameter passes any target. */
export const RESOURCE_TARGETS = {
  namespaces: 'namespace_id',
  pipelines: 'pipeline_id',
  extensions: 'extension_id',
} as const satisfies Partial<Record<Resource, string>>;

export const ACTIONS = ['read', 'write', 'delete'] as const;
export type Action = (typeof ACTIONS)[number];

export interface ResourcePermission {
  readonly action: Action;
  /** One single role must grant the action on all of these. */
  readonly resources: readonly Resource[];
  /** The role `anonymous` is consulted where `server.anonymous_read` is on and the request carries no token. */
  readonly anonymous?: true;
}

/** `none`: no credentials are asked for. `token`: any that are good. `admin`: the role `admin` or `bootstrap`. */
export type Permission = ResourcePermission | 'admin' | 'token' | 'none';

/** Every path parameter of every route, by its one name. */
export const PATH_PARAMETERS = {
  namespace_id: Type.String({ description: "The namespace's id" }),
  pipeline_id: Type.String({ description: "The pipeline's id" }),
  version: Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "The config's version",
  }),
  deployment_id: Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "The deployment's number within its pipeline",
  }),
  run_id: Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: "The run's number within its pipeline",
  }),
  task_id: Type.String({ description: "The task's id" }),
  event_id: Type.String({ description: "The event's id (a uuid)" }),
  key: Type.String({ description: "The object's or secret's key" }),
  id: Type.String({ description: "The token's id (a uuid)" }),
  role_id: Type.String({ description: "The role's id" }),
  extension_id: Type.String({ description: "The extension's id" }),
  subscription_id: Type.String({ description: "The subscription's id, within its pipeline and extension" }),
  delivery_id: Type.String({ description: "The delivery's id (a uuid)" }),
} as const;
export type PathParameterName = keyof typeof PATH_PARAMETERS;

export const TAGS = [
  'System',
  'Namespaces',
  'Pipelines',
  'Configs',
  'Deployments',
  'Runs',
  'Tasks',
  'Objects',
  'Secrets',
  'Extensions',
  'Subscriptions',
  'Events',
  'Tokens',
  'Roles',
  'Audit',
] as const;
export type Tag = (typeof TAGS)[number];

export interface RouteDefinition {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `/api/…/{name}/…`; every name is one of `PATH_PARAMETERS`. */
  readonly path: `/api/${string}`;
  /** `json`: answers with `response`, or with nothing. `raw`: answers with bytes. `upload`: takes bytes, answers as `json`. `websocket`: upgrades. */
  readonly kind: 'json' | 'raw' | 'upload' | 'websocket';
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  readonly permission: Permission;
  /** Strings, lists of strings, integers and booleans. A list's parameter comes once for each item. A field with a `default` may be left out of a request; every other is `Type.Optional`. */
  readonly query?: TObject;
  /** Request headers beyond the API version's and the credentials', by lower-case name. */
  readonly headers?: TObject;
  /** An empty body counts as `{}`. */
  readonly body?: TSchema;
  /** `service`: the schema documents the body, and the service checks it, with messages better than a schema's. */
  readonly bodyCheck?: 'service';
  /** 101 for a WebSocket. */
  readonly status: 101 | 200 | 201 | 204;
  /** Absent with 101, 204 and `raw`. */
  readonly response?: TSchema;
  /** `raw`: what the bytes are; default `text/plain`. */
  readonly mediaType?: 'application/octet-stream' | 'text/plain';
  /** WebSocket: what each Text frame holds as JSON where no sub-protocol is chosen; absent where it is not JSON. */
  readonly frames?: TSchema;
  /** WebSocket: the sub-protocols beside none at all (v0's), and what each Text frame then holds as JSON. */
  readonly protocols?: Readonly<Record<string, TSchema>>;
  /** When the answer is 503 though the server works, for the document. */
  readonly unavailable?: string;
  /** Costs much more than others: counted where `limits.expensive_requests` says so. */
  readonly expensive?: true;
  /**
   * What the audit tells of a request beside its path. Whatever is no GET is in the audit; a GET is where this is there, and with `when`
   * only where that query parameter is true. `query`, `body`: the parameters and fields that are told, none of which may hold a secret.
   */
  readonly audit?: { readonly when?: string; readonly query?: readonly string[]; readonly body?: readonly string[] };
  /** The `gofer-api-version` header is not asked for: probes cannot send it. */
  readonly unversioned?: true;
}

type Names<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
/** The typed path parameters of a path: `'/api/runs/{run_id}'` has `{ run_id: number }`. */
export type PathParameters<Path extends string> = {
  [Name in Names<Path>]: Name extends PathParameterName ? Static<(typeof PATH_PARAMETERS)[Name]> : never;
};
