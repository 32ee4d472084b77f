import { type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { GoferError } from '@gofer/contracts';
import { BodySender, type UploadBody } from './send-body.ts';
import type { ServerTrust } from './server-trust.ts';
import { describeTlsFault } from './tls-fault.ts';

export interface HttpExchange {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | UploadBody;
  /** The longest silence of the server, in milliseconds. */
  readonly silence: number;
  readonly signal?: AbortSignal | undefined;
  readonly trust: ServerTrust;
}

/**
 * Resolves with the answer's head; its body is read by the caller. A server may answer before it has the whole body: then no more of it is
 * sent. Rejects with `UNAVAILABLE`, `DEADLINE_EXCEEDED` or `CANCELLED`, and with the error of the body's own source.
 */
export function exchange({ method, url, headers, body, silence, signal, trust }: HttpExchange): Promise<IncomingMessage> {
  const isSecure = url.protocol === 'https:';
  const send = isSecure ? requestSecure : requestPlain;
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers: { ...headers, ...lengthOf(body), ...(typeof body === 'object' ? BodySender.HEADERS : {}) },
      timeout: silence,
      ...(isSecure ? { agent: trust.agent } : {}),
      ...(signal === undefined ? {} : { signal }),
    };
    const request = send(url, options);
    const upload = typeof body === 'object' ? new BodySender(request, body, silence) : undefined;
    request.on('response', (answer) => {
      // What was not sent yet never will be, so that this connection is of no use to anybody else.
      answer.once('close', () => request.writableEnded || request.destroy());
      resolve(answer);
    });
    request.on('timeout', () => {
      if (upload?.waitsForSource === true) return;
      request.destroy(
        new GoferError(
          'DEADLINE_EXCEEDED',
          `${url.origin} did not answer ${method} ${url.pathname} within ${silence / 1_000} s; it may be overloaded. Try again.`,
        ),
      );
    });
    request.on('error', (error) => reject(toConnectionError(error, url, upload?.sent)));
    if (typeof body !== 'object') request.end(body);
    upload?.send().catch((error: unknown) => {
      reject(error);
      request.destroy();
    });
  });
}

/** Of a body of unknown length there is none: Node then sends it in chunks. */
function lengthOf(body: HttpExchange['body']): Record<string, number> {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body?.size;
  return length === undefined ? {} : { 'content-length': length };
}

/** What went wrong below HTTP, in the words of someone who wants to reach a server. `uploaded`: bytes of a body that were sent. */
export function toConnectionError(error: Error, url: URL, uploaded = 0): Error {
  if (error instanceof GoferError) return error;
  if (error.name === 'AbortError') return new GoferError('CANCELLED', 'stopped', { cause: error });
  if (uploaded > 0) {
    return new GoferError(
      'UNAVAILABLE',
      `the connection to ${url.origin} was lost after ${uploaded} bytes had been sent (${describe(error, url)}); what was not whole is not kept. Try again.`,
      { cause: error },
    );
  }
  const base = url.protocol.startsWith('ws') ? url.origin.replace(/^ws/u, 'http') : url.origin;
  const tlsFault = describeTlsFault(error, url);
  if (tlsFault !== undefined) {
    return new GoferError('UNAVAILABLE', `the certificate of the server at ${base} is refused: ${tlsFault}`, { cause: error });
  }
  return new GoferError(
    'UNAVAILABLE',
    `no Gofer server can be reached at ${base}: ${describe(error, url)}\n` +
      '  Start one here with: gofer service start\n' +
      '  Or name another with --api-base-url, GOFER_API_BASE_URL or api_base_url in ~/.gofer.toml',
    { cause: error },
  );
}

function describe(error: Error, url: URL): string {
  const code = 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ECONNREFUSED':
      return 'connection refused (nothing listens there)';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host name ${url.hostname} is not known`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `the connection was closed in the middle of the request${url.protocol === 'http:' ? '; if the server speaks TLS, use https:// in place of http://' : ''}`;
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `the host cannot be reached (${code})`;
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'it does not speak TLS; use http:// in place of https://';
    case 'HPE_INVALID_CONSTANT':
      return 'it does not speak HTTP; does it want https:// in place of http://?';
    default:
      return error.message === '' ? code : error.message;
  }
}
