/** The route table as an OpenAPI 3.1 document. */
import type { JsonSchema } from '@gofer/contracts';
import {
  API_VERSION,
  API_VERSION_HEADER,
  ErrorBody,
  type OperationId,
  PATH_PARAMETERS,
  type PathParameterName,
  type Permission,
  ROUTES,
  type RouteDefinition,
  SESSION_COOKIE,
  TAGS,
} from '@gofer/contracts/api';
import type { TObject, TSchema } from 'typebox';
import { toJsonSchema } from '../json-schema.ts';

type Json = Record<string, unknown>;
export interface OpenApi {
  readonly openapi: string;
  readonly info: Json;
  readonly tags: readonly Json[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: Json & { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

const BYTES = { schema: { type: 'string', contentMediaType: 'application/octet-stream' } };
const ERROR_CONTENT = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };
/** The ranges stand for every code of the list of errors; what a server that works may answer beyond 499 has its number. */
const ERRORS = { '4XX': { $ref: '#/components/responses/Error' }, '5XX': { $ref: '#/components/responses/Error' } };

export function toOpenApi(version: string): OpenApi {
  const schemas: Record<string, JsonSchema> = {};
  const reference = (schema: unknown): JsonSchema =>
    toJsonSchema(schema, (name, plain) => {
      schemas[name] = plain;
      return { $ref: `#/components/schemas/${name}` };
    });
  const paths: Record<string, Record<string, Json>> = {};
  for (const [id, route] of Object.entries(ROUTES) as [OperationId, RouteDefinition][]) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: toOperation(id, route, reference) };
  }
  const error = { description: 'What is wrong', content: json(reference(ErrorBody)) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gofer',
      version,
      description:
        'Run short-lived jobs. Times are epoch milliseconds (0: not yet), durations seconds. Every answer has the header `x-request-id`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: TAGS.map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
      responses: { Error: error },
      parameters: {
        ApiVersion: {
          name: API_VERSION_HEADER,
          in: 'header',
          required: true,
          description: 'The version of the API that the client speaks. A WebSocket may carry it in its query.',
          schema: { type: 'string', enum: [API_VERSION], default: API_VERSION },
        },
      },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token, as `gofer token create` shows it once' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: SESSION_COOKIE,
          description: 'Of a browser that has called `create_session`; it sends the cookie by itself, and nothing can be entered here',
        },
      },
    },
  };
}

function toOperation(id: OperationId, route: RouteDefinition, reference: (schema: unknown) => JsonSchema): Json {
  const parameters = [
    ...(route.unversioned === true ? [] : [{ $ref: '#/components/parameters/ApiVersion' }]),
    ...pathParameters(route.path),
    ...parametersIn('query', route.query),
    ...parametersIn('header', route.headers),
  ];
  return {
    operationId: id,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: { required: hasRequiredFields(route.body), content: json(reference(route.body)) } }),
    ...(route.kind === 'upload' ? { requestBody: { required: false, content: { 'application/octet-stream': BYTES } } } : {}),
    responses: toResponses(route, reference),
    security: securityOf(route.permission),
    'x-gofer-permission': route.permission,
    ...(route.kind === 'websocket' ? webSocketFields(route, reference) : {}),
  };
}

function toResponses(route: RouteDefinition, reference: (schema: unknown) => JsonSchema): Json {
  if (route.kind === 'websocket') return { '101': { description: 'Upgraded' }, default: ERRORS['4XX'] };
  if (route.kind === 'raw') {
    const content = { [route.mediaType ?? 'text/plain']: BYTES };
    return {
      '200': { description: 'The whole', content },
      '206': { description: 'The range that was asked for', content },
      '304': { description: 'Not changed since' },
      ...ERRORS,
    };
  }
  const content = route.response === undefined ? {} : { content: json(reference(route.response)) };
  const unavailable = route.unavailable === undefined ? {} : { '503': { description: route.unavailable, content: ERROR_CONTENT } };
  return {
    [route.status]: { description: route.status === 204 ? 'Done' : route.status === 201 ? 'Created' : 'Found', ...content },
    ...unavailable,
    ...ERRORS,
  };
}

/** An empty body counts as `{}`: it is asked for only where that would not do. */
function hasRequiredFields(body: TSchema): boolean {
  const { required } = toJsonSchema(body, (_, plain) => plain);
  return Array.isArray(required) && required.length > 0;
}

/** The first marks the operation for generators that know v0's document. */
function webSocketFields(route: RouteDefinition, reference: (schema: unknown) => JsonSchema): Json {
  const protocols = Object.entries(route.protocols ?? {}).map(([name, frame]) => [name, reference(frame)]);
  return {
    'x-dropshot-websocket': {},
    ...(route.frames === undefined ? {} : { 'x-gofer-frames': reference(route.frames) }),
    ...(protocols.length === 0 ? {} : { 'x-gofer-protocols': Object.fromEntries(protocols) }),
  };
}

function securityOf(permission: Permission): readonly Json[] {
  if (permission === 'none') return [];
  const credentials = [{ token: [] }, { session: [] }];
  return typeof permission === 'object' && permission.anonymous === true ? [...credentials, {}] : credentials;
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) =>
    parameter('path', String(name), PATH_PARAMETERS[name as PathParameterName], true),
  );
}

function parametersIn(place: 'query' | 'header', schema: TObject | undefined): Json[] {
  return Object.entries(schema?.properties ?? {}).map(([name, field]) => parameter(place, name, field, false));
}

function parameter(place: string, name: string, field: unknown, required: boolean): Json {
  const { description, ...schema } = toJsonSchema(field, (_, plain) => plain);
  return { name, in: place, required, ...(description === undefined ? {} : { description }), schema };
}

function json(schema: JsonSchema): Json {
  return { 'application/json': { schema } };
}
