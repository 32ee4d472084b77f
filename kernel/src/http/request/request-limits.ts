/** What of a request Node lets through and this server does not: `limits.max_headers`, `limits.max_url_length`, and expectations. */
import type { IncomingMessage } from 'node:http';
import { AnsweredError } from '../error-answer.ts';

/** Keys of the block `[limits]` as they are configured; durations are seconds. */
export interface HttpLimits {
  readonly max_connections: number;
  readonly max_web_sockets: number;
  readonly max_header_size: number;
  readonly max_headers: number;
  readonly max_url_length: number;
  readonly max_json_depth: number;
  readonly header_timeout: number;
}

/** Throws an answer with 414, 417 or 431. */
export function checkRequestLimits(request: IncomingMessage, limits: HttpLimits): void {
  const { length } = request.url ?? '';
  if (length > limits.max_url_length) {
    throw new AnsweredError(
      'INVALID_ARGUMENT',
      `The request's target has ${length} bytes; at most ${limits.max_url_length} are taken (limits.max_url_length).`,
      { status: 414, headers: {} },
    );
  }
  const { expect } = request.headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    const message = `The request expects ${JSON.stringify(expect.slice(0, 100))}; this server knows 100-continue only.`;
    throw new AnsweredError('INVALID_ARGUMENT', message, { status: 417, headers: {} });
  }
  // Names and values in turn.
  if (request.rawHeaders.length > 2 * limits.max_headers) {
    throw new AnsweredError('INVALID_ARGUMENT', `The request has more than ${limits.max_headers} headers (limits.max_headers).`, {
      status: 431,
      headers: {},
    });
  }
}
