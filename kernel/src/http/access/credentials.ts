/** What a request says about who sends it: a token in a header (RFC 6750 §2.1), or what browsers can send. */
import type { IncomingMessage } from 'node:http';
import { SESSION_COOKIE, TOKEN_PROTOCOL_PREFIX, TOKEN_QUERY } from '@gofer/contracts/api';

export type PresentedCredentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed'; readonly fault: string }
  | { readonly kind: 'token'; readonly token: string }
  /** Sent by the browser by itself: only what comes from our own pages may count. */
  | { readonly kind: 'session'; readonly secret: string };

const NONE: PresentedCredentials = { kind: 'none' };
const LONGEST_TOKEN = 4096;
const VISIBLE = /^[\x21-\x7e]+$/;

/** The header counts before all others. `query`: raw; read for WebSockets only, since what is in a URL ends in logs of proxies. */
export function readCredentials(request: IncomingMessage, query: string, isWebSocket: boolean): PresentedCredentials {
  const { authorization, cookie } = request.headers;
  // An empty token is none: v0's web pages send it before anybody has logged in.
  if (authorization !== undefined && !/^Bearer *$/i.test(authorization)) return fromHeader(authorization);
  const inSocket = isWebSocket ? (tokenInProtocols(request) ?? tokenInQuery(query)) : undefined;
  if (inSocket !== undefined) return toToken(inSocket);
  const [secret, ...others] = cookie === undefined ? [] : cookieValues(cookie);
  if (secret === undefined) return NONE;
  // A neighbour's host or port can add one of its own, which then may stand first: nobody is to work under a name that is not theirs.
  if (others.some((other) => other !== secret))
    return {
      kind: 'malformed',
      fault: `there are several cookies ${SESSION_COOKIE}: remove those of this site from the browser, and log in`,
    };
  return { kind: 'session', secret };
}

/** The secret of the session that a request carries, whatever else it carries. */
export function sessionSecretOf(request: IncomingMessage): string | undefined {
  const { cookie } = request.headers;
  return cookie === undefined ? undefined : cookieValues(cookie)[0];
}

function fromHeader(authorization: string): PresentedCredentials {
  const token = /^Bearer +(.*)$/i.exec(authorization)?.[1];
  if (token === undefined) return { kind: 'malformed', fault: 'the Authorization header is not of the form `Bearer TOKEN`' };
  return toToken(token);
}

function toToken(token: string): PresentedCredentials {
  if (token.length > LONGEST_TOKEN || !VISIBLE.test(token))
    return { kind: 'malformed', fault: `a token has 1 to ${LONGEST_TOKEN} visible ASCII characters` };
  return { kind: 'token', token };
}

function tokenInProtocols(request: IncomingMessage): string | undefined {
  const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
  return offered
    .map((name) => name.trim())
    .find((name) => name.startsWith(TOKEN_PROTOCOL_PREFIX))
    ?.slice(TOKEN_PROTOCOL_PREFIX.length);
}

function tokenInQuery(query: string): string | undefined {
  const token = query.includes(TOKEN_QUERY) ? new URLSearchParams(query).get(TOKEN_QUERY) : null;
  return token === null || token === '' ? undefined : token;
}

/** RFC 6265 §4.2.1. */
function cookieValues(header: string): string[] {
  if (!header.includes(SESSION_COOKIE)) return [];
  return header.split(';').flatMap((pair) => {
    const equals = pair.indexOf('=');
    return equals !== -1 && pair.slice(0, equals).trim() === SESSION_COOKIE ? [pair.slice(equals + 1).trim()] : [];
  });
}
