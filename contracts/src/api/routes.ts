/** The API: every route by its operation id. Who changes it runs `npm run generate:openapi`. */
import type { Static, TObject, TSchema } from 'typebox';
import type { PathParameters } from './route.ts';
import { AUDIT_ROUTES } from './routes/audit.ts';
import { EVENT_ROUTES } from './routes/events.ts';
import { EXTENSION_OBJECT_ROUTES, EXTENSION_ROUTES, SUBSCRIPTION_ROUTES } from './routes/extensions.ts';
import { NAMESPACE_ROUTES } from './routes/namespaces.ts';
import { OBJECT_ROUTES } from './routes/objects.ts';
import { CONFIG_ROUTES, DEPLOYMENT_ROUTES, PIPELINE_ROUTES } from './routes/pipelines.ts';
import { ROLE_ROUTES } from './routes/roles.ts';
import { RUN_ROUTES, TASK_ROUTES } from './routes/runs.ts';
import { SECRET_ROUTES } from './routes/secrets.ts';
import { SYSTEM_ROUTES } from './routes/system.ts';
import { SESSION_ROUTES, TOKEN_ROUTES } from './routes/tokens.ts';

export const API_VERSION = 'v0';
/** A request header of every route that is not `unversioned`; WebSockets may carry it in the query instead, as browsers cannot set headers. */
export const API_VERSION_HEADER = 'gofer-api-version';

/** A browser's credentials: a session that `create_session` has begun, out of reach of the page's scripts. */
export const SESSION_COOKIE = 'gofer_session';
/** WebSockets of browsers, which cannot set headers, may carry a token in the query under this name. */
export const TOKEN_QUERY = 'token';
/** … or as a sub-protocol that begins with this. */
export const TOKEN_PROTOCOL_PREFIX = 'gofer.token.';
/** The sub-protocol that stands for the version header; the server chooses it where the client offers none of the route's own. */
export const VERSION_PROTOCOL = `gofer.api.${API_VERSION}` as const;

export const ROUTES = {
  ...SYSTEM_ROUTES,
  ...NAMESPACE_ROUTES,
  ...PIPELINE_ROUTES,
  ...CONFIG_ROUTES,
  ...DEPLOYMENT_ROUTES,
  ...RUN_ROUTES,
  ...TASK_ROUTES,
  ...OBJECT_ROUTES,
  ...SECRET_ROUTES,
  ...SUBSCRIPTION_ROUTES,
  ...EXTENSION_ROUTES,
  ...EXTENSION_OBJECT_ROUTES,
  ...EVENT_ROUTES,
  ...TOKEN_ROUTES,
  ...SESSION_ROUTES,
  ...ROLE_ROUTES,
  ...AUDIT_ROUTES,
} as const;

export type Routes = typeof ROUTES;
export type OperationId = keyof Routes;
type OfKind<Kind extends string> = {
  [Id in OperationId]: Routes[Id]['kind'] extends Kind ? Id : never;
}[OperationId];
export type JsonOperationId = OfKind<'json'>;
export type RawOperationId = OfKind<'raw'>;
export type UploadOperationId = OfKind<'upload'>;
export type WebSocketOperationId = OfKind<'websocket'>;

/** Nothing: a route that takes no such part. */
type None = object;
export type PathOf<Id extends OperationId> = PathParameters<Routes[Id]['path']>;
/** As the server sees it: defaults applied. A client may leave out every field. */
export type QueryOf<Id extends OperationId> = Routes[Id] extends {
  query: infer Query extends TObject;
}
  ? Static<Query>
  : None;
export type HeadersOf<Id extends OperationId> = Routes[Id] extends {
  headers: infer Headers extends TObject;
}
  ? Static<Headers>
  : None;
export type BodyOf<Id extends OperationId> = Routes[Id] extends {
  body: infer Body extends TSchema;
}
  ? Static<Body>
  : undefined;
export type AnswerOf<Id extends OperationId> = Routes[Id] extends {
  response: infer Response extends TSchema;
}
  ? Static<Response>
  : undefined;
