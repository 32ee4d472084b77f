/** What one client may ask for in a minute: `limits.failed_authentications`, `limits.expensive_requests`, `extensions.runs_per_minute`. */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { clientNetwork } from './client-address.ts';

export interface RateLimitsOptions {
  /** Of one address in a window; 0 is unlimited. */
  readonly failedAuthentications: number;
  /** Of one token in a window; 0 is unlimited. */
  readonly expensiveRequests: number;
  /** Of one extension in a window; 0 is unlimited. */
  readonly runsOfExtension?: number;
  readonly windowSeconds?: number;
  /** Clients that are told apart in one window; those beyond share one count, so that memory is bounded whatever the number of addresses. */
  readonly clients?: number;
}

const WINDOW_SECONDS = 60;
const CLIENTS = 20_000;

export class RateLimits {
  readonly #failures: Counts | undefined;
  readonly #refused: Counts | undefined;
  readonly #expensive: Counts | undefined;
  readonly #runs: Counts | undefined;

  constructor({
    failedAuthentications,
    expensiveRequests,
    runsOfExtension = 0,
    windowSeconds = WINDOW_SECONDS,
    clients = CLIENTS,
  }: RateLimitsOptions) {
    const counts = (points: number) => (points === 0 ? undefined : new Counts(points, windowSeconds, clients));
    this.#failures = counts(failedAuthentications);
    this.#refused = counts(failedAuthentications);
    this.#expensive = counts(expensiveRequests);
    this.#runs = counts(runsOfExtension);
  }

  /**
   * Counts a request whose credentials have proved wrong. Resolves with the seconds that its address has to wait, once there were too many;
   * whoever asks only then never keeps good credentials waiting.
   */
  async failedAuthentication(address: string): Promise<number | undefined> {
    return await this.#failures?.add(clientNetwork(address));
  }

  /** Counts a request that its token does not permit, or that every token does; as many are allowed as failed authentications. */
  async refused(principalId: string): Promise<number | undefined> {
    return await this.#refused?.add(principalId);
  }

  /** Counts an expensive request. Resolves with the seconds to wait, once there were too many. */
  async expensive(principalId: string): Promise<number | undefined> {
    return await this.#expensive?.add(principalId);
  }

  /** Counts a run that an extension starts. Resolves with the seconds to wait, once there were too many. */
  async runOfExtension(extensionId: string): Promise<number | undefined> {
    return await this.#runs?.add(extensionId);
  }
}

/** Counts in a fixed window, which begins with a client's first request. */
class Counts {
  readonly #limiter: RateLimiterMemory;
  readonly #windowMs: number;
  readonly #clients: number;
  /** Client → when its window ends, oldest first. */
  readonly #known = new Map<string, number>();

  constructor(points: number, windowSeconds: number, clients: number) {
    this.#limiter = new RateLimiterMemory({ points, duration: windowSeconds });
    this.#windowMs = windowSeconds * 1000;
    this.#clients = clients;
  }

  async add(client: string): Promise<number | undefined> {
    try {
      await this.#limiter.consume(this.#keyOf(client));
      return undefined;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      return Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
    }
  }

  #keyOf(client: string): string {
    const now = performance.now();
    for (const [known, ends] of this.#known) {
      if (ends > now) break;
      this.#known.delete(known);
    }
    if (this.#known.has(client)) return `of ${client}`;
    if (this.#known.size >= this.#clients) return 'of all others';
    this.#known.set(client, now + this.#windowMs);
    return `of ${client}`;
  }
}
