import { Agent } from 'node:https';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

export interface ServerTrustOptions {
  /** False: whatever certificate the server shows. */
  readonly verify: boolean;
  /** Certificates (PEM) that are trusted beside those that Node trusts by itself. */
  readonly ca?: string | undefined;
}

/** Whose certificates are believed. What it needs is made at the first connection with TLS, and once: reading all roots takes a while. */
export class ServerTrust {
  readonly #options: ServerTrustOptions;
  #context: SecureContext | undefined;
  #agent: Agent | undefined;

  constructor(options: ServerTrustOptions) {
    this.#options = options;
  }

  /** For `tls.connect`. */
  get socketOptions(): { readonly rejectUnauthorized: boolean; readonly secureContext?: SecureContext } {
    const { ca, verify } = this.#options;
    if (ca === undefined || !verify) return { rejectUnauthorized: verify };
    this.#context ??= createSecureContext({ ca: [...getCACertificates('default'), ca] });
    return { rejectUnauthorized: true, secureContext: this.#context };
  }

  /** Of this trust alone: a connection that was made with another one is never used again. */
  get agent(): Agent {
    this.#agent ??= new Agent({ keepAlive: true, scheduling: 'lifo', timeout: 5000, ...this.socketOptions });
    return this.#agent;
  }
}
