/**
 * What browsers are told with every answer. An answer of the API is never a page: nothing of it is run, framed, or kept. Set one by one
 * from a list that is made once, as they stand on the path of every run that is started; pages set their own over these.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

const HEADERS = [
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['cache-control', 'no-store'],
] as const;
const HSTS = 'max-age=31536000';
/** On these names the promise would bind every other server of a developer's machine too, whatever its port. */
const LOCAL = /^(?:localhost|.*\.localhost)(?::\d+)?$/i;

/** `secure`: the client's own connection is encrypted. */
export function setSecurityHeaders(request: IncomingMessage, response: ServerResponse, secure: boolean): void {
  for (const [name, value] of HEADERS) response.setHeader(name, value);
  if (secure && !LOCAL.test(request.headers.host ?? '')) response.setHeader('strict-transport-security', HSTS);
}
