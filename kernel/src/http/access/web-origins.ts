/** Which web pages may speak to this server with what the browser adds by itself: its own, and those that are configured. */
import type { IncomingMessage } from 'node:http';
import { GoferError } from '@gofer/contracts';

export class WebOrigins {
  readonly #known: ReadonlySet<string>;
  readonly #isSecure: (request: IncomingMessage) => boolean;

  /**
   * `url`: the server's public address. `origins`: those of `server.cors_origins`. `isSecure`: whether the client's own connection is
   * encrypted.
   */
  constructor(options: {
    readonly url?: string;
    readonly origins: readonly string[];
    readonly isSecure: (request: IncomingMessage) => boolean;
  }) {
    this.#isSecure = options.isSecure;
    this.#known = new Set([...options.origins, ...(options.url === undefined ? [] : [new URL(options.url).origin])]);
  }

  /** Rejects with `FORBIDDEN`. Whoever is no browser sends no `Origin`. */
  check(request: IncomingMessage): void {
    const { origin } = request.headers;
    if (origin !== undefined && !this.#known.has(origin) && !this.#isOwn(request, origin)) throw refusalOf(origin);
  }

  /**
   * The same for what asks for no credentials, where the `Host` proves nothing: a page can give this server's address a name of its own (DNS
   * rebinding) and is then of the server's own origin.
   */
  checkConfigured(request: IncomingMessage): void {
    const { origin } = request.headers;
    if (origin !== undefined && !this.#known.has(origin)) throw refusalOf(origin);
  }

  /** A page in clear may be anybody's on the way, and is not of a server that is reached by TLS. The other way round there is a proxy before it. */
  #isOwn(request: IncomingMessage, origin: string): boolean {
    const { host } = request.headers;
    if (host === undefined) return false;
    return origin === `https://${host}` || (origin === `http://${host}` && !this.#isSecure(request));
  }
}

function refusalOf(origin: string): GoferError {
  return new GoferError(
    'FORBIDDEN',
    `The web page at ${JSON.stringify(origin.slice(0, 200))} may not use this server. Name its origin in server.cors_origins to let it in.`,
  );
}
