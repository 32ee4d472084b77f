/**
 * Keeps a certificate current: takes another one when there is one, keeps the old one where the new one cannot be used, and warns in time
 * before it expires.
 */
import type { PluginLog } from '@gofer/contracts';
import type { CertificateSource, ServedCertificate } from './certificate-source.ts';

export interface CertificateKeeperOptions {
  /** Makes or reads what is to be served; rejects where that cannot be. */
  readonly load: () => Promise<ServedCertificate>;
  /**
   * Differs when there may be another certificate; looked at every `pollMs`. Looking is what finds every way of replacing files, among
   * them renames and symbolic links on whole directories, which events of the file system do not tell of.
   */
  readonly version?: () => Promise<string>;
  readonly log: PluginLog;
  readonly now?: () => number;
  readonly pollMs?: number;
  /** How often its end is looked at, and `load` asked whether it has another one. */
  readonly checkMs?: number;
}

const POLL_MS = 5000;
const DAY_MS = 86_400_000;
const WARN_DAYS = 14;

export class CertificateKeeper implements CertificateSource {
  readonly #options: CertificateKeeperOptions;
  readonly #now: () => number;
  readonly #listeners = new Set<(certificate: ServedCertificate) => void>();
  readonly #check: NodeJS.Timeout;
  #poll: NodeJS.Timeout | undefined;
  #current: ServedCertificate;
  /** What was there when it was loaded, or refused, last. */
  #seen: string;
  /** What is new, and was there at one look only: it may be half written. */
  #settling: string | undefined;
  #loading: Promise<void> = Promise.resolve();
  #closed = false;

  /** Rejects as `load` does. */
  static async open(options: CertificateKeeperOptions): Promise<CertificateKeeper> {
    const seen = (await options.version?.()) ?? '';
    return new CertificateKeeper(options, await options.load(), seen);
  }

  private constructor(options: CertificateKeeperOptions, current: ServedCertificate, seen: string) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#current = current;
    this.#seen = seen;
    this.#warn();
    this.#check = setInterval(() => void this.#renew(), options.checkMs ?? DAY_MS).unref();
    this.#pollLater();
  }

  get current(): ServedCertificate {
    return this.#current;
  }

  onChange(listener: (certificate: ServedCertificate) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async reload(): Promise<void> {
    const version = (await this.#options.version?.()) ?? '';
    if ((await this.#load(version)) === 'same') this.#options.log('info', 'the TLS certificate is the same as before', this.#facts());
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#check);
    clearTimeout(this.#poll);
    this.#listeners.clear();
  }

  async #renew(): Promise<void> {
    if (this.#options.version === undefined) await this.#load('');
    this.#warn();
  }

  #pollLater(): void {
    const { version, pollMs = POLL_MS } = this.#options;
    if (version === undefined || this.#closed) return;
    this.#poll = setTimeout(() => void this.#look(version).finally(() => this.#pollLater()), pollMs).unref();
  }

  async #look(version: () => Promise<string>): Promise<void> {
    const found = await version();
    if (found === this.#seen) {
      this.#settling = undefined;
    } else if (found === this.#settling) {
      this.#settling = undefined;
      await this.#load(found);
    } else {
      this.#settling = found;
    }
  }

  /** One at a time, so that what was read last is what is served. */
  #load(version: string): Promise<'same' | 'other' | 'refused'> {
    const outcome = this.#loading.then(() => this.#take(version));
    this.#loading = outcome.then(() => undefined);
    return outcome;
  }

  async #take(version: string): Promise<'same' | 'other' | 'refused'> {
    const { load, log } = this.#options;
    this.#seen = version;
    let loaded: ServedCertificate;
    try {
      loaded = await load();
    } catch (error) {
      log('error', 'the new TLS certificate cannot be used, the former one is served on', {
        reason: error instanceof Error ? error.message : String(error),
        ...this.#facts(),
      });
      return 'refused';
    }
    if (loaded.cert === this.#current.cert && loaded.key === this.#current.key) return 'same';
    if (this.#closed) return 'refused';
    this.#current = loaded;
    for (const listener of this.#listeners) listener(loaded);
    log('info', 'a new TLS certificate is served', this.#facts());
    this.#warn();
    return 'other';
  }

  #warn(): void {
    const { begins, expires } = this.#current;
    const now = this.#now();
    const days = Math.floor((expires - now) / DAY_MS);
    if (begins > now) this.#options.log('warn', 'the TLS certificate is not valid yet', { begins: new Date(begins).toISOString() });
    if (expires <= now) this.#options.log('error', 'the TLS certificate has expired: clients refuse it', this.#facts());
    else if (days < WARN_DAYS) this.#options.log('warn', `the TLS certificate expires in ${days} days: replace it`, this.#facts());
  }

  #facts(): { readonly expires: string } {
    return { expires: new Date(this.#current.expires).toISOString() };
  }
}
