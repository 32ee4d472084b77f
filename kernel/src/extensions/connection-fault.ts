/** What went wrong with a connection to an extension, in words for whoever runs it. */
import { toLine } from './extension-answer.ts';

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it closed the connection without an answer',
  EPIPE: 'it closed the connection without an answer',
  UND_ERR_SOCKET: 'it closed the connection without an answer',
  UND_ERR_CONNECT_TIMEOUT: 'no connection came about in time',
  UND_ERR_DESTROYED: 'the server has let go of it',
  UND_ERR_CLOSED: 'the server has let go of it',
  ENOTFOUND: 'its host is not known',
  EAI_AGAIN: 'its host is not known at present',
};

/** What Node calls a certificate that it does not accept, beside `ERR_TLS_…`: the names of OpenSSL's X.509 errors. */
const CERTIFICATE_FAULT = /CERT|SIGNATURE|ISSUER|CRL|^(?:UNSPECIFIED|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH)$/;

/** Continues a sentence that names the extension and the call; one line. */
export function describeFault(error: unknown, url: string, maxHeaderBytes: number): string {
  const code = codeIn(error);
  const message = toLine(error instanceof Error ? error.message : String(error));
  const known = WORDS[code];
  if (known !== undefined) return `${known} (${url}, ${code})`;
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return `the headers of its answer are larger than ${maxHeaderBytes / 1024} KiB`;
  if (error instanceof Error && error.name === 'HTTPParserError') return `it does not answer in HTTP (${url}, ${message})`;
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_'))
    return `TLS cannot be spoken with it: does it serve TLS, as extensions.use_tls says? (${url}, ${message})`;
  if (code.startsWith('ERR_TLS_') || CERTIFICATE_FAULT.test(code))
    return `its certificate is not accepted: give it one that the server trusts, or set extensions.verify_certs to false (${code}: ${message})`;
  return code === '' ? message : `${message} (${url}, ${code})`;
}

function codeIn(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}
