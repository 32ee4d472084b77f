/** One exchange with the server by Node's own client: it takes a third of the processor that `fetch` takes, and a thousand may be due at once. */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface ExchangeRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
  /** For the whole answer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
}

/** Resolves with the whole answer, whatever its status; redirects are not followed. Rejects where there is none. */
export type Exchange = (request: ExchangeRequest) => Promise<ExchangeAnswer>;

/** Connections are kept and used again; proxies and certificates are Node's own (`NODE_USE_ENV_PROXY`, `NODE_EXTRA_CA_CERTS`). */
export const exchange: Exchange = async ({ method, url, headers, body, timeoutMs, signal }) => {
  const { promise, resolve, reject } = Promise.withResolvers<ExchangeAnswer>();
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const sent = request(url, { method, headers: { ...headers, ...length }, ...(signal === undefined ? {} : { signal }) }, (response) => {
    const pieces: Buffer[] = [];
    response.on('data', (piece: Buffer) => pieces.push(piece));
    response.on('error', reject);
    response.on('end', () => {
      resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], body: Buffer.concat(pieces) });
    });
  });
  sent.on('error', reject);
  const timer = setTimeout(() => {
    // First: of an answer that has begun Node says that it was aborted too, and whichever it said first would count.
    reject(new Error(`no answer within ${timeoutMs / 1000} seconds`));
    sent.destroy();
  }, timeoutMs);
  sent.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
};
