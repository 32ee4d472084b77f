/** What the server may ask of an extension, by method and path. */
import type { IncomingHttpHeaders } from 'node:http';
import { type Extension, type ExtensionInfo, type ExternalEvent, Refusal, type SubscriptionName } from './extension.ts';
import { parseExternalEvent } from './external-event-body.ts';
import { InTurn } from './in-turn.ts';
import { parseObject, textOf, textsOf } from './request-body.ts';
import { RequestRefusal } from './request-refusal.ts';

export interface ExtensionRoute {
  /** Anybody may ask. */
  readonly open?: true;
  /** Bytes of JSON. */
  readonly bodyLimit: number;
  /** What is answered as JSON; undefined: 204. */
  answer(body: Buffer, headers: IncomingHttpHeaders): Promise<unknown>;
}

const SMALL_BODY = 4 * 1024 * 1024;

export interface RouteOptions {
  readonly id: string;
  readonly extension: Extension;
  /** Bytes of JSON, in which each byte of an event may take four. */
  readonly externalEventLimit: number;
  /** Called once it is answered. */
  readonly onShutdown: () => void;
}

/** By `METHOD /path`. */
export function createRoutes({ id, extension, externalEventLimit, onShutdown }: RouteOptions): ReadonlyMap<string, ExtensionRoute> {
  const turns = new InTurn();
  return new Map<string, ExtensionRoute>([
    ['GET /api/health', { open: true, bodyLimit: 0, answer: async () => undefined }],
    ['GET /api/info', { bodyLimit: 0, answer: async () => toInfo(id, infoOf(extension)) }],
    ['GET /api/debug', { bodyLimit: 0, answer: async () => ({ info: toText(await extension.debug?.()) }) }],
    [
      'POST /api/subscribe',
      {
        bodyLimit: SMALL_BODY,
        async answer(json) {
          const body = parseObject(json);
          const name = toName(body);
          const params = textsOf(body, 'pipeline_subscription_params');
          const { created } = body;
          const made = typeof created === 'number' && Number.isSafeInteger(created) && created > 0 ? { created } : {};
          await turns.take(keyOf(name), async () => await extension.subscribe({ ...name, params, ...made }));
        },
      },
    ],
    [
      'DELETE /api/subscribe',
      {
        bodyLimit: SMALL_BODY,
        async answer(json) {
          const name = toName(parseObject(json));
          await turns.take(keyOf(name), async () => await extension.unsubscribe(name));
        },
      },
    ],
    [
      'POST /api/shutdown',
      {
        bodyLimit: SMALL_BODY,
        async answer() {
          onShutdown();
        },
      },
    ],
    [
      'POST /api/external-event',
      {
        bodyLimit: externalEventLimit,
        async answer(json, headers) {
          if (extension.externalEvent === undefined) throw new Refusal('This extension takes no events from outside.');
          await extension.externalEvent({ ...(await parseExternalEvent(json)), ...toDelivery(headers) });
        },
      },
    ],
  ]);
}

/** What is answered for an error of a route; undefined: it is a bug. */
export function refusalOf(error: unknown): RequestRefusal | undefined {
  if (error instanceof RequestRefusal) return error;
  // By name too: an extension may have been linked with a copy of this package.
  if (error instanceof Refusal || (error instanceof Error && error.name === 'Refusal'))
    return new RequestRefusal(400, 'INVALID_ARGUMENT', error.message);
  return undefined;
}

/** What the server says of an event; one of version 0 says nothing. */
function toDelivery(headers: IncomingHttpHeaders): Pick<ExternalEvent, 'deliveryId' | 'received' | 'again'> {
  const { 'gofer-delivery-id': deliveryId } = headers;
  const received = wholeNumber(headers['gofer-delivery-received']);
  const again = wholeNumber(headers['gofer-delivery-again']) ?? 0;
  return {
    ...(typeof deliveryId === 'string' ? { deliveryId } : {}),
    ...(received === undefined ? {} : { received }),
    ...(again === 0 ? {} : { again }),
  };
}

function wholeNumber(header: string | readonly string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}

function infoOf({ info }: Extension): ExtensionInfo {
  return typeof info === 'function' ? info() : info;
}

function toInfo(id: string, { documentation, configParams, subscriptionParams }: ExtensionInfo): unknown {
  return {
    extension_id: id,
    documentation: { config_params: configParams, pipeline_subscription_params: subscriptionParams, body: documentation },
  };
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function toName(body: Readonly<Record<string, unknown>>): SubscriptionName {
  return {
    namespaceId: textOf(body, 'namespace_id'),
    pipelineId: textOf(body, 'pipeline_id'),
    subscriptionId: textOf(body, 'pipeline_subscription_id'),
  };
}

function keyOf({ namespaceId, pipelineId, subscriptionId }: SubscriptionName): string {
  return JSON.stringify([namespaceId, pipelineId, subscriptionId]);
}
