import { isIP } from 'node:net';
import { toSafeLine } from '../output/sanitise.ts';

/** What the server's certificate was refused for, and what to do; undefined where it was not for its certificate. */
export function describeTlsFault(error: Error & { code?: unknown; cert?: unknown }, url: URL): string | undefined {
  const code = typeof error.code === 'string' ? error.code : '';
  switch (code) {
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return (
        `it comes from a CA that is not known here (${code})\n` +
        '  Trust that CA with --ca-cert FILE, GOFER_CA_CERT or ca_cert in ~/.gofer.toml; a server that makes its certificate itself tells in its log where its CA is'
      );
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return (
        `it is not for ${url.hostname}, but for ${namesOf(error.cert)}\n` +
        `  Use one of these names in the address${isIP(url.hostname) === 0 ? '' : ', in place of the IP address'}, or give the server a certificate for this one`
      );
    case 'CERT_HAS_EXPIRED':
      return 'it has expired\n  The server needs a new one; if it is not really old, set the clock of this machine';
    case 'CERT_NOT_YET_VALID':
      return 'it is not valid yet\n  Set the clock of this machine, or of the one on which the certificate was made';
    case 'CERT_REVOKED':
    case 'CERT_REJECTED':
    case 'CERT_UNTRUSTED':
    case 'INVALID_CA':
    case 'INVALID_PURPOSE':
    case 'PERMITTED_VIOLATION':
    case 'PATH_LENGTH_EXCEEDED':
    case 'CERT_CHAIN_TOO_LONG':
    case 'CERT_SIGNATURE_FAILURE':
      return `${error.message} (${code})\n  The server needs another one`;
    default:
      return undefined;
  }
}

const LONGEST = 300;

/** As the certificate says it: it has not been believed, so nothing of it is. */
function namesOf(cert: unknown): string {
  const names = typeof cert === 'object' && cert !== null && 'subjectaltname' in cert ? String(cert.subjectaltname) : '';
  const text = toSafeLine(names.replaceAll(/(?:DNS|IP Address):/g, ''));
  return text === '' ? 'no name at all' : text.slice(0, LONGEST);
}
