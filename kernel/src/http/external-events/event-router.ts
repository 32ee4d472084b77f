/**
 * The one route of external events, under three names. Who sends is not asked: what an event is worth is for its extension to judge. So
 * nothing is read before it is known that somebody wants it, and what one address or all together can make the server do is bounded.
 */
import type { IncomingMessage } from 'node:http';
import { codeOf, GoferError } from '@gofer/contracts';
import type { Middleware } from 'koa';
import { Router } from 'koa-router';
import type { DeliveryService } from '../../services/services.ts';
import type { RateLimits } from '../access/rate-limits.ts';
import { AnsweredError } from '../error-answer.ts';
import type { HttpState } from '../http-app.ts';
import { collectBody } from '../request/collect-body.ts';
import type { BodyRoom } from './body-room.ts';
import { toEventHeaders } from './event-headers.ts';
import type { SenderCounts } from './sender-counts.ts';

export interface EventRouterOptions {
  readonly deliveries: Pick<DeliveryService, 'assertAccepts' | 'accept'>;
  /** An extension counts as the principal of its events. */
  readonly rateLimits: Pick<RateLimits, 'expensive' | 'failedAuthentication'>;
  readonly senders: SenderCounts;
  readonly addressOf: (request: IncomingMessage) => string;
  /** Bytes of one body. */
  readonly maxBodySize: number;
  /** For all bodies that arrive at one time. */
  readonly room: BodyRoom;
  /** Milliseconds for one body. */
  readonly timeMs: number;
}

const DELIVERY_ID_HEADER = 'gofer-delivery-id';
const PATHS = ['/events/:id', '/external/:id', '/api/external/:id'];
const RETRY_SECONDS = 60;

export function createEventRouter(options: EventRouterOptions): Router<HttpState> {
  const { addressOf, deliveries, maxBodySize, rateLimits, room, senders, timeMs } = options;
  const tooLarge = () =>
    new GoferError('PAYLOAD_TOO_LARGE', `The event is larger than ${maxBodySize} bytes (external_events.max_body_size).`);
  const take: Middleware<HttpState, { params: Record<string, string> }> = async (context) => {
    const { req, res } = context;
    const extensionId = context.params['id'] ?? '';
    await deliveries.assertAccepts(extensionId).catch(async (error: unknown) => {
      const wait = codeOf(error) === 'NOT_FOUND' ? await rateLimits.failedAuthentication(addressOf(req)) : undefined;
      throw wait === undefined ? toRefusal(error) : tooMany('This address has asked for too many extensions that are not there', wait);
    });
    const address = addressOf(req);
    // First: what is refused to one address takes nothing of what is left for the extension.
    const ofSender = senders.add(address);
    if (ofSender !== undefined)
      throw tooMany(`Too many events came from ${address} in a minute (external_events.sender_requests_per_minute)`, ofSender);
    const ofAll = await rateLimits.expensive(extensionId);
    if (ofAll !== undefined)
      throw tooMany(
        `Too many events were sent to the extension ${extensionId} in a minute, by all senders together (external_events.requests_per_minute)`,
        ofAll,
      );
    const coding = req.headers['transfer-encoding'];
    if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
      // Node takes such a body apart no further than its chunks: the extension would see other bytes than were sent.
      const message = `The transfer coding ${JSON.stringify(coding.slice(0, 100))} is not known here; chunked is.`;
      throw new AnsweredError('INVALID_ARGUMENT', message, { status: 501, headers: { connection: 'close' } });
    }
    if (Number(req.headers['content-length'] ?? 0) > maxBodySize) throw tooLarge();
    if (req.headers.expect !== undefined) res.writeContinue();
    let held = 0;
    try {
      const body = await collectBody(req, {
        size: maxBodySize,
        timeMs,
        tooLarge,
        refusal(bytes) {
          if (!room.take(bytes)) return noRoom('Too many large events arrive at once.', 1);
          held += bytes;
          return undefined;
        },
      });
      const id = await deliveries.accept(extensionId, { headers: toEventHeaders(req.rawHeaders), body }).catch((error: unknown) => {
        throw toRefusal(error);
      });
      context.set(DELIVERY_ID_HEADER, id);
      context.set('cache-control', 'no-store');
      context.status = 204;
    } finally {
      room.give(held);
    }
  };
  const router = new Router<HttpState>({ sensitive: true });
  router.post(PATHS, take);
  return router;
}

/** Senders try what is refused with 503 again later, if they try anything again. */
function toRefusal(error: unknown): unknown {
  const code = codeOf(error);
  if (code !== 'UNAVAILABLE' && code !== 'RESOURCE_EXHAUSTED') return error;
  return noRoom((error as Error).message, RETRY_SECONDS);
}

function noRoom(message: string, seconds: number): AnsweredError {
  return new AnsweredError('UNAVAILABLE', message, { headers: { 'retry-after': String(seconds) } });
}

function tooMany(what: string, seconds: number): AnsweredError {
  return new AnsweredError('RESOURCE_EXHAUSTED', `${what}; send again in ${seconds} s.`, { headers: { 'retry-after': String(seconds) } });
}
