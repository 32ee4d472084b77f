/** Which web pages may speak to this server with what the browser adds by itself: its own, and those that are configured. */
import type { IncomingMessage } from 'node:http';
import { GoferError } from '@gofer/contracts';

export class WebOrigins {
  readonly #known: ReadonlySet<string>;

  /** `url`: the server's public address. `origins`: those of `server.cors_origins`. */
  constructor(options: { readonly url?: string; readonly origins: readonly string[] }) {
    this.#known = new Set([...options.origins, ...(options.url === undefined ? [] : [new URL(options.url).origin])]);
  }

  /** Rejects with `FORBIDDEN`. Whoever is no browser sends no `Origin`. */
  check(request: IncomingMessage): void {
    const { origin, host } = request.headers;
    if (origin !== undefined && !this.has(origin, host)) throw refusalOf(origin);
  }

  /**
   * The same for what asks for no credentials, where the `Host` proves nothing: a page can give this server's address a name of its own (DNS
   * rebinding) and is then of the server's own origin.
   */
  checkConfigured(request: IncomingMessage): void {
    const { origin } = request.headers;
    if (origin !== undefined && !this.#known.has(origin)) throw refusalOf(origin);
  }

  has(origin: string, host: string | undefined): boolean {
    return this.#known.has(origin) || (host !== undefined && (origin === `http://${host}` || origin === `https://${host}`));
  }
}

function refusalOf(origin: string): GoferError {
  return new GoferError(
    'FORBIDDEN',
    `The web page at ${JSON.stringify(origin.slice(0, 200))} may not use this server. Name its origin in server.cors_origins to let it in.`,
  );
}
