/** One request to the server, repeated while it cannot be served and the caller is patient. */
import type { Exchange } from './exchange.ts';
import type { ExtensionClock } from './extension.ts';
import { GoferRequestError } from './gofer-request-error.ts';
import { describe } from './json-log.ts';
import { sleepUntil } from './real-clock.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** For one answer; beyond what the caller lets the server wait. */
const ATTEMPT_MS = 30_000;
const DEFAULT_PATIENCE_MS = 60_000;

/** How the server is reached; tests bring their own. */
export interface Connection {
  /** Without a path. */
  readonly url: string;
  readonly token: string;
  readonly clock: ExtensionClock;
  readonly exchange: Exchange;
  readonly WebSocket: typeof WebSocket;
  /** 0 up to 1. */
  readonly random: () => number;
}

export interface GoferRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With its query; made with `segment`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly patienceMs?: number | undefined;
  /** How long the server may take beside what is usual. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The body of a 2xx answer. What could not reach the server, and what it could not serve now (5xx, 429, 408), is asked again with growing
 * pauses, or when the server says; anything else rejects with `GoferRequestError` at once.
 */
export async function requestGofer(connection: Connection, request: GoferRequest): Promise<Buffer> {
  const { clock } = connection;
  const until = clock.now() + (request.patienceMs ?? DEFAULT_PATIENCE_MS);
  for (let attempt = 0; ; attempt += 1) {
    request.signal?.throwIfAborted();
    const { body, failure, retryAfterMs } = await tryOnce(connection, request);
    if (body !== undefined) return body;
    const pause = pauseOf(attempt, connection.random);
    const next = clock.now() + Math.max(pause, retryAfterMs ?? 0);
    if (retryAfterMs === undefined || next > until) throw failure;
    await sleepUntil(clock, next, request.signal);
  }
}

/** Half of what doubles each time, and a random part of the other half, so that many do not come back at once. */
export function pauseOf(attempt: number, random: () => number): number {
  const full = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempt, 20), LONGEST_PAUSE_MS);
  return Math.round(full / 2 + (random() * full) / 2);
}

/** A name as a part of a path. Rejects by throwing what a path cannot carry. */
export function segment(name: string, what: string): string {
  if (name !== '' && name !== '.' && name !== '..' && name.isWellFormed()) return encodeURIComponent(name);
  throw new GoferRequestError(400, 'INVALID_ARGUMENT', `${JSON.stringify(name)} cannot be the ${what}.`);
}

/** `retryAfterMs` is undefined for what is not to be tried again. */
type Outcome =
  | { readonly body: Buffer; readonly failure?: undefined; readonly retryAfterMs?: undefined }
  | { readonly body?: undefined; readonly failure: GoferRequestError; readonly retryAfterMs: number | undefined };

async function tryOnce({ url, token, exchange }: Connection, request: GoferRequest): Promise<Outcome> {
  const { method, path, headers, body, signal, waitMs = 0 } = request;
  try {
    const answer = await exchange({
      method,
      url: url + path,
      headers: { authorization: `Bearer ${token}`, 'gofer-api-version': 'v0', accept: 'application/json', ...headers },
      body,
      timeoutMs: ATTEMPT_MS + waitMs,
      signal,
    });
    const { status } = answer;
    if (status >= 200 && status < 300) return { body: answer.body };
    const failure = toError(status, answer.body);
    const again = status >= 500 || status === 429 || status === 408;
    return { failure, retryAfterMs: again ? retryAfter(answer.retryAfter) : undefined };
  } catch (error) {
    signal?.throwIfAborted();
    const failure = new GoferRequestError(0, 'UNAVAILABLE', `Gofer does not answer at ${url}: ${describe(error)}`, { cause: error });
    return { failure, retryAfterMs: 0 };
  }
}

function toError(status: number, bytes: Buffer): GoferRequestError {
  const text = bytes.toString();
  const { message, error_code: code } = parsedObject(text);
  return new GoferRequestError(
    status,
    typeof code === 'string' ? code : undefined,
    typeof message === 'string' ? message : `Gofer answered ${status}${text === '' ? '' : `: ${text.slice(0, 300)}`}`,
  );
}

/** Seconds, as this server says it; a date is not heeded (RFC 9110 §10.2.3). */
function retryAfter(header = ''): number {
  return /^\d{1,6}$/.test(header) ? Number(header) * 1000 : 0;
}

/** The members of a JSON object; none of anything else. */
function parsedObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    // Proxies answer in HTML.
    return {};
  }
}

/** The JSON object of a 2xx answer; rejects where it is none. */
export function toObject(body: Buffer): Readonly<Record<string, unknown>> {
  const parsed = parsedObject(body.toString());
  if (Object.keys(parsed).length > 0) return parsed;
  throw new GoferRequestError(0, 'UNAVAILABLE', `Gofer answered with what is not its JSON: ${body.toString().slice(0, 300)}`);
}
