/** State that an extension keeps with the server in one object: written soon after it has changed, and never twice at once. */
import type { ExtensionHost } from '@gofer/sdk/extension';

/** How long a change may wait for others, so that many of them are one write. */
const GATHER_MS = 1_000;
/** After a write that failed. */
const AGAIN_MS = 5_000;

export class KeptObject {
  readonly #host: ExtensionHost;
  readonly #key: string;
  readonly #snapshot: () => unknown;
  #cancel: (() => void) | undefined;
  #current: Promise<void> = Promise.resolve();
  #following: Promise<void> | undefined;
  #failing = false;
  #closed = false;

  /** `snapshot`: what is to be kept, as it is when a write begins. */
  constructor(host: ExtensionHost, key: string, snapshot: () => unknown) {
    this.#host = host;
    this.#key = key;
    this.#snapshot = snapshot;
  }

  /** What was kept last; undefined where nothing was. Rejects for what is not JSON: it is never written over unseen. */
  async load(): Promise<unknown> {
    const body = await this.#host.objects.get(this.#key);
    if (body === undefined) return undefined;
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    } catch (cause) {
      throw new Error(
        `the object ${JSON.stringify(this.#key)} of the extension ${this.#host.id} is damaged: it is not JSON. Delete it to start anew; subscriptions then count from now on`,
        { cause },
      );
    }
  }

  /** It is written within a second; where that fails, again until it succeeds. */
  changed(): void {
    if (!this.#closed) this.#writeIn(GATHER_MS);
  }

  /** Resolves when what is there now is kept. Changes of the same moment share a write. */
  save(): Promise<void> {
    this.#following ??= this.#current
      .catch(() => undefined) // Whoever asked for that write was told.
      .then(() => {
        this.#following = undefined;
        this.#current = this.#write();
        return this.#current;
      });
    return this.#following;
  }

  /** Writes what has changed since. */
  async close(): Promise<void> {
    this.#closed = true;
    const changed = this.#cancel !== undefined;
    this.#cancel?.();
    this.#cancel = undefined;
    await (changed ? this.save() : (this.#following ?? this.#current));
  }

  #writeIn(delay: number): void {
    this.#cancel ??= this.#host.clock.at(this.#host.clock.now() + delay, () => {
      this.#cancel = undefined;
      this.save().then(
        () => {
          if (this.#failing) this.#host.log('info', `the object ${this.#key} can be written again`);
          this.#failing = false;
        },
        (error: unknown) => {
          if (!this.#failing) this.#host.log('warn', `cannot write the object ${this.#key}, trying again: ${String(error)}`);
          this.#failing = true;
          if (!this.#closed) this.#writeIn(AGAIN_MS);
        },
      );
    });
  }

  async #write(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    await this.#host.objects.put(this.#key, JSON.stringify(this.#snapshot()));
  }
}
