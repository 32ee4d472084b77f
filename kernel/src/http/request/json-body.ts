/** A request's JSON body: bounded in bytes, time (by the server's timeouts) and depth. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GoferError } from '@gofer/contracts';
import { collectBody } from './collect-body.ts';

export function assertPlainEncoding(request: IncomingMessage): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new GoferError('INVALID_ARGUMENT', `The body's content encoding is ${printable(encoding)}; send it as it is.`);
}

export interface BodyLimits {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds from the head of the request to the end of its body. */
  readonly timeMs: number;
  /** Objects and arrays inside each other; what a pipeline program prints needs five. */
  readonly depth: number;
}

export interface JsonBody {
  /** Undefined where the body is empty. */
  readonly value: unknown;
  /** Bytes. */
  readonly size: number;
}

/**
 * Rejects with `INVALID_ARGUMENT`, above the limit's size with `PAYLOAD_TOO_LARGE`, and behind its
 * time with `DEADLINE_EXCEEDED`.
 */
export async function readJsonBody(request: IncomingMessage, response: ServerResponse, limits: BodyLimits): Promise<JsonBody> {
  const limit = limits.size;
  const mediaType = request.headers['content-type'];
  if (mediaType !== undefined && mediaType !== 'application/json' && !isJson(mediaType)) {
    throw new GoferError('INVALID_ARGUMENT', `The body's media type is ${printable(mediaType)}; send application/json.`);
  }
  assertPlainEncoding(request);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  if (request.headers.expect !== undefined) response.writeContinue();
  const bytes = await collectBody(request, { ...limits, tooLarge: () => tooLarge(limit) });
  const size = bytes.length;
  if (size === 0) return { value: undefined, size };
  // A body must be UTF-8 (RFC 8259 §8.1): anything else would be replaced silently by the decoder.
  const text = bytes.toString('utf8');
  if (text.includes('\ufffd') && !Buffer.from(text).equals(bytes)) throw new GoferError('INVALID_ARGUMENT', 'The body is not UTF-8.');
  if (text.length > 2 * limits.depth && isDeeperThan(text, limits.depth)) {
    throw new GoferError(
      'INVALID_ARGUMENT',
      `The body nests more than ${limits.depth} objects and arrays inside each other (limits.max_json_depth).`,
    );
  }
  const value = parse(text);
  // Only an escape can make one. No database and no environment can hold it: it would become another character on its way.
  if (SURROGATE.test(text) && !isWellFormed(value))
    throw new GoferError('INVALID_ARGUMENT', 'The body has half of a surrogate pair in a string, which is no character (RFC 7493 §2.1).');
  return { value, size };
}

const SURROGATE = /\\u[dD][89a-fA-F]/;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new GoferError('INVALID_ARGUMENT', `The body is not JSON: ${error.message.slice(0, 200)}.`, { cause: error });
  }
}

/** Nests no deeper than bodies may. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => key.isWellFormed() && isWellFormed(inner));
}

function isJson(mediaType: string): boolean {
  return /^\s*application\/json\s*(;.*)?$/i.test(mediaType);
}

/** Counts brackets outside strings; for text that is not JSON the answer does not matter, as the parser refuses it. */
export function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > limit) return true;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x22: // "
        for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) if (text.charCodeAt(at) === 0x5c) at++;
        break;
      default:
    }
  }
  return false;
}

function tooLarge(limit: number): GoferError {
  return new GoferError('PAYLOAD_TOO_LARGE', `The body is larger than ${limit} bytes (server.max_body_size).`);
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
