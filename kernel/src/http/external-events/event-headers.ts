/** A request's headers as its extension is to see them. Pure. */

/** RFC 9110 §7.6.1, and what this server has dealt with itself. */
const OF_ONE_HOP: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Of names and values in turn, as Node gives them: names in lower case, in the order of their first ones; several values of one name are
 * one, joined with `, ` (RFC 9110 §5.3), those of cookies with `; ` (RFC 9113 §8.2.3). What concerns a single hop is left out, also what
 * `Connection` names. Bytes above ASCII are the characters of Latin-1.
 */
export function toEventHeaders(rawHeaders: readonly string[]): Record<string, string> {
  const values = new Map<string, string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    const value = rawHeaders[at + 1] ?? '';
    const former = values.get(name);
    values.set(name, former === undefined ? value : `${former}${name === 'cookie' ? '; ' : ', '}${value}`);
  }
  const named = (values.get('connection') ?? '').split(',').map((option) => option.trim().toLowerCase());
  for (const name of [...OF_ONE_HOP, ...named]) values.delete(name);
  // Each a property of its own, whatever its name is.
  return Object.fromEntries(values);
}
