/**
 * Keeps web pages out of a server that asks for no credentials. A page on another site can send requests to a developer's machine, and
 * by DNS rebinding even under a name of its own: so the `Host` must be a name that only this machine has, and the `Origin`, which
 * browsers always tell where it matters, must be this server's own or a configured one.
 */
import { GoferError } from '@gofer/contracts';

/** Good hosts are remembered, to be decided by one look-up; so many at most. */
const MAX_REMEMBERED = 64;
const LOOPBACK_V4 = /^127(?:\.\d{1,3}){3}$/;

export class WebPageGuard {
  readonly #publicHost: string | undefined;
  readonly #origins: ReadonlySet<string>;
  readonly #good = new Set<string>();

  /** `url`: the server's public address, whose host is let in too. `origins`: those of `server.cors_origins`. */
  constructor(options: { readonly url?: string; readonly origins: readonly string[] }) {
    this.#publicHost = options.url === undefined ? undefined : new URL(options.url).hostname;
    this.#origins = new Set(options.origins);
  }

  /** Rejects with `FORBIDDEN`; with `INVALID_ARGUMENT` where there is no host at all. */
  check(host: string | undefined, origin: string | undefined): void {
    if (host === undefined || host === '') throw new GoferError('INVALID_ARGUMENT', 'The request has no Host header.');
    if (!this.#good.has(host)) this.#checkHost(host);
    if (origin === undefined || this.#origins.has(origin)) return;
    if (origin === `http://${host}` || origin === `https://${host}`) return;
    throw new GoferError(
      'FORBIDDEN',
      `The web page at ${JSON.stringify(origin.slice(0, 200))} may not use this server. Name its origin in server.cors_origins to let it in.`,
    );
  }

  #checkHost(host: string): void {
    const name = hostName(host);
    const known =
      name !== undefined &&
      (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || LOOPBACK_V4.test(name) || name === this.#publicHost);
    if (!known) {
      throw new GoferError(
        'FORBIDDEN',
        `This server runs without authentication and answers only under a loopback name, not ${JSON.stringify(host.slice(0, 200))}. Use localhost or 127.0.0.1, set server.url, or turn authentication on.`,
      );
    }
    if (this.#good.size < MAX_REMEMBERED) this.#good.add(host);
  }
}

/** Without the port, lower-case, by the rules that browsers use; undefined where it is no host. */
function hostName(host: string): string | undefined {
  if (!/^[\w.:[\]-]+$/.test(host)) return undefined;
  return URL.parse(`http://${host}/`)?.hostname.replace(/\.$/, '');
}
