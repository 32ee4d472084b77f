import * as Type from 'typebox';
import {
  CreateSubscriptionRequest,
  CreateSubscriptionResponse,
  DELIVERY_STATES,
  DebugResponse,
  GetDeliveryResponse,
  GetExtensionResponse,
  GetSubscriptionResponse,
  InstallExtensionRequest,
  InstallExtensionResponse,
  ListDeliveriesResponse,
  ListExtensionObjectsResponse,
  ListExtensionSubscriptionsResponse,
  ListExtensionsResponse,
  ListSubscriptionsResponse,
  PutExtensionObjectResponse,
  RedeliverResponse,
  UpdateExtensionRequest,
  UpdateSubscriptionRequest,
} from '../extension-resources.ts';
import { LOGS_PROTOCOL, LogMessage } from '../messages.ts';
import type { Action, ResourcePermission, RouteDefinition } from '../route.ts';
import { PageQuery } from './page-query.ts';

const EXTENSIONS = '/api/extensions';
const EXTENSION = `${EXTENSIONS}/{extension_id}` as const;
const OBJECTS = `${EXTENSION}/objects` as const;
const DELIVERIES = `${EXTENSION}/deliveries` as const;
const SUBSCRIPTIONS = '/api/namespaces/{namespace_id}/pipelines/{pipeline_id}/subscriptions';
const SUBSCRIPTION = `${SUBSCRIPTIONS}/{extension_id}/{subscription_id}` as const;

const READ: ResourcePermission = { action: 'read', resources: ['extensions'] };
const ofObjects = (action: Action): ResourcePermission => ({ action, resources: ['extensions', 'objects'] });
const ofSubscriptions = (action: Action): ResourcePermission => ({ action, resources: ['namespaces', 'pipelines', 'subscriptions'] });

export const EXTENSION_ROUTES = {
  list_extensions: {
    method: 'GET',
    path: EXTENSIONS,
    kind: 'json',
    tag: 'Extensions',
    summary: 'List the extensions that are installed',
    permission: READ,
    status: 200,
    response: ListExtensionsResponse,
  },
  install_extension: {
    method: 'POST',
    path: EXTENSIONS,
    kind: 'json',
    tag: 'Extensions',
    summary: 'Install an extension',
    description:
      'Answers once it runs or could not be started, or after `wait` seconds, with how far it is: one that cannot be pulled or started stays installed, is started again and again, and shows why.',
    permission: 'admin',
    query: Type.Object({
      wait: Type.Integer({ minimum: 0, maximum: 600, default: 30, description: 'How long the answer may wait for it to run (seconds)' }),
    }),
    body: InstallExtensionRequest,
    audit: { body: ['id', 'image'] },
    status: 201,
    response: InstallExtensionResponse,
  },
  get_extension: {
    method: 'GET',
    path: EXTENSION,
    kind: 'json',
    tag: 'Extensions',
    summary: 'Get an extension with its documentation and its state',
    permission: READ,
    status: 200,
    response: GetExtensionResponse,
  },
  update_extension: {
    method: 'PATCH',
    path: EXTENSION,
    kind: 'json',
    tag: 'Extensions',
    summary: 'Enable, disable, configure or upgrade an extension',
    description: 'A disabled extension is stopped, and its subscriptions start nothing until it is enabled again.',
    permission: 'admin',
    body: UpdateExtensionRequest,
    audit: { body: ['enable', 'image'] },
    status: 204,
  },
  uninstall_extension: {
    method: 'DELETE',
    path: EXTENSION,
    kind: 'json',
    tag: 'Extensions',
    summary: 'Uninstall an extension',
    description: 'Stops it and removes its subscriptions, objects, deliveries, logs, role and token.',
    permission: 'admin',
    status: 204,
  },
  get_extension_logs: {
    method: 'GET',
    path: `${EXTENSION}/logs`,
    kind: 'websocket',
    tag: 'Extensions',
    summary: "Follow an extension's log",
    description:
      'A WebSocket. Without a sub-protocol each Text frame is one line with its line feed; with `gofer.logs.v1` each is a `LogMessage`. Begins with the log of its latest start, and goes on with the next ones. Where older lines were dropped, a line of the stream `gofer` says so.',
    permission: READ,
    query: Type.Object({
      after: Type.Optional(
        Type.String({
          maxLength: 256,
          description: 'Resume behind this cursor of an earlier `LogMessage`, or with what is left behind it',
        }),
      ),
      follow: Type.Boolean({ default: true, description: 'Go on with what is to come; else end at what is there' }),
      tail: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 1_000_000_000, description: 'Begin with the last so many lines; not heeded with `after`' }),
      ),
    }),
    status: 101,
    protocols: { [LOGS_PROTOCOL]: LogMessage },
  },
  get_extension_debug_info: {
    method: 'GET',
    path: `${EXTENSION}/debug`,
    kind: 'json',
    tag: 'Extensions',
    summary: 'Ask an extension for what it tells of its inside',
    permission: 'admin',
    unavailable: 'The extension does not run, or does not answer.',
    status: 200,
    response: DebugResponse,
  },
  list_extension_subscriptions: {
    method: 'GET',
    path: `${EXTENSION}/subscriptions`,
    kind: 'json',
    tag: 'Extensions',
    summary: "List an extension's subscriptions of all namespaces",
    description: "To the extension's own token, those that it is to serve, with secrets looked up.",
    permission: READ,
    status: 200,
    response: ListExtensionSubscriptionsResponse,
  },
  list_extension_deliveries: {
    method: 'GET',
    path: DELIVERIES,
    kind: 'json',
    tag: 'Extensions',
    summary: 'List the external events that came in for an extension, newest first',
    permission: READ,
    query: Type.Object({
      ...PageQuery.properties,
      state: Type.Optional(Type.Unsafe<(typeof DELIVERY_STATES)[number]>({ type: 'string', enum: DELIVERY_STATES })),
    }),
    status: 200,
    response: ListDeliveriesResponse,
  },
  get_extension_delivery: {
    method: 'GET',
    path: `${DELIVERIES}/{delivery_id}`,
    kind: 'json',
    tag: 'Extensions',
    summary: 'Get an external event with its headers',
    permission: 'admin',
    status: 200,
    response: GetDeliveryResponse,
  },
  get_extension_delivery_body: {
    method: 'GET',
    path: `${DELIVERIES}/{delivery_id}/body`,
    kind: 'raw',
    tag: 'Extensions',
    summary: 'Download the body of an external event, byte for byte',
    permission: 'admin',
    mediaType: 'application/octet-stream',
    status: 200,
  },
  redeliver_extension_delivery: {
    method: 'POST',
    path: `${DELIVERIES}/{delivery_id}/redeliver`,
    kind: 'json',
    tag: 'Extensions',
    summary: 'Hand an external event to its extension again',
    description:
      'One that was delivered is to be done again: its extension is told so, and those that come with the server start its runs anew. Of any other the extension does what was not done.',
    permission: 'admin',
    status: 201,
    response: RedeliverResponse,
  },
} as const satisfies Record<string, RouteDefinition>;

const ObjectPutQuery = Type.Object({
  force: Type.Boolean({ default: false, description: 'Replace what is there' }),
});

export const EXTENSION_OBJECT_ROUTES = {
  list_extension_objects: {
    method: 'GET',
    path: OBJECTS,
    kind: 'json',
    tag: 'Objects',
    summary: "List an extension's objects, oldest first",
    permission: ofObjects('read'),
    query: PageQuery,
    status: 200,
    response: ListExtensionObjectsResponse,
  },
  get_extension_object: {
    method: 'GET',
    path: `${OBJECTS}/{key}`,
    kind: 'raw',
    tag: 'Objects',
    summary: 'Download an object of an extension',
    permission: ofObjects('read'),
    mediaType: 'application/octet-stream',
    status: 200,
  },
  put_extension_object: {
    method: 'POST',
    path: `${OBJECTS}/{key}`,
    kind: 'upload',
    expensive: true,
    tag: 'Objects',
    summary: 'Upload an object of an extension',
    permission: ofObjects('write'),
    query: ObjectPutQuery,
    status: 201,
    response: PutExtensionObjectResponse,
  },
  delete_extension_object: {
    method: 'DELETE',
    path: `${OBJECTS}/{key}`,
    kind: 'json',
    tag: 'Objects',
    summary: 'Delete an object of an extension',
    description: 'Succeeds where there is none.',
    permission: ofObjects('delete'),
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;

export const SUBSCRIPTION_ROUTES = {
  list_subscriptions: {
    method: 'GET',
    path: SUBSCRIPTIONS,
    kind: 'json',
    tag: 'Subscriptions',
    summary: "List a pipeline's subscriptions",
    permission: ofSubscriptions('read'),
    query: PageQuery,
    status: 200,
    response: ListSubscriptionsResponse,
  },
  create_subscription: {
    method: 'POST',
    path: SUBSCRIPTIONS,
    kind: 'json',
    tag: 'Subscriptions',
    summary: 'Subscribe a pipeline to an extension',
    description:
      'The settings are checked against what the extension documents, and then by the extension itself; what it refuses is answered with its own words (400), and nothing is kept. Settings may refer to secrets and objects of the pipeline, by whoever may read these.',
    permission: ofSubscriptions('write'),
    body: CreateSubscriptionRequest,
    audit: { body: ['extension_id', 'subscription_id'] },
    unavailable: 'The extension does not run.',
    status: 201,
    response: CreateSubscriptionResponse,
  },
  get_subscription: {
    method: 'GET',
    path: SUBSCRIPTION,
    kind: 'json',
    tag: 'Subscriptions',
    summary: 'Get a subscription',
    permission: ofSubscriptions('read'),
    status: 200,
    response: GetSubscriptionResponse,
  },
  update_subscription: {
    method: 'PATCH',
    path: SUBSCRIPTION,
    kind: 'json',
    tag: 'Subscriptions',
    summary: 'Enable, disable or change a subscription',
    description: 'Other settings are checked as those of a new one are; what is refused changes nothing.',
    permission: ofSubscriptions('write'),
    body: UpdateSubscriptionRequest,
    audit: { body: ['status'] },
    unavailable: 'The extension does not run.',
    status: 204,
  },
  delete_subscription: {
    method: 'DELETE',
    path: SUBSCRIPTION,
    kind: 'json',
    tag: 'Subscriptions',
    summary: 'Delete a subscription',
    description:
      'Holds at once, also where the extension does not run: it starts no run of the pipeline any more, and is told when it is back.',
    permission: ofSubscriptions('delete'),
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;
