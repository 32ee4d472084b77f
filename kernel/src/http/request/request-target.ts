/**
 * A request's target as the router sees it. `new URL()` folds `%2e%2e`, so the raw path is split here, segment by segment: empty segments
 * are dropped (`//api///x/` is `/api/x`: a published client sends a leading `//`), each is percent-decoded once and encoded anew.
 */
import { GoferError } from '@gofer/contracts';

const PRINTABLE = /^[\x21-\x7e]*$/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)([^#]*)$/i;
/** What a path looks like that is canonical as it stands: the common case, decided by one expression. */
const CANONICAL = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~!$&'()*+,;=:@-]+)+$/;

export interface RequestTarget {
  /** Begins with `/`, no empty segment, no trailing slash (but for the root). */
  readonly path: string;
  /** Without the `?`; empty where there is none. */
  readonly query: string;
  /** Of an absolute-form target (RFC 9112 §3.2.2), which then stands in for the `Host` header. */
  readonly authority?: string;
}

/** Rejects with `INVALID_ARGUMENT` a target with a `.` or `..` segment, with bytes that are not UTF-8 or not printable ASCII. */
export function parseRequestTarget(raw: string): RequestTarget {
  if (!PRINTABLE.test(raw)) throw malformed('it holds a character that must be percent-encoded');
  const absolute = raw.startsWith('/') ? undefined : ABSOLUTE_FORM.exec(raw);
  if (absolute === null) throw malformed('it does not begin with /');
  const target = absolute?.[2] ?? raw;
  const question = target.indexOf('?');
  const rawPath = question === -1 ? target : target.slice(0, question);
  const path = CANONICAL.test(rawPath) ? rawPath : canonicalPath(rawPath);
  const query = question === -1 ? '' : target.slice(question + 1);
  return absolute?.[1] === undefined ? { path, query } : { path, query, authority: absolute[1] };
}

function canonicalPath(rawPath: string): string {
  let path = '';
  for (const raw of rawPath.split('/')) {
    if (raw === '') continue;
    const segment = decodeSegment(raw);
    if (segment === '.' || segment === '..') throw malformed('a segment of it is `.` or `..`');
    path += `/${encodeURIComponent(segment)}`;
  }
  return path === '' ? '/' : path;
}

function decodeSegment(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw malformed('a percent-encoding in it is malformed or not UTF-8');
  }
}

function malformed(what: string): GoferError {
  return new GoferError('INVALID_ARGUMENT', `The request's path cannot be used: ${what}.`);
}
