/** When what could not be done for the subscriptions of an extension is tried again: after a pause that grows with each time. */
import type { Clock } from '../clock/clock.ts';
import type { ExtensionCalls } from './extension-calls.ts';

export interface SubscriptionRetriesParts {
  readonly clock: Clock;
  readonly calls: Pick<ExtensionCalls, 'isReady' | 'onReady'>;
  /** Aborts when the server stops: nothing is tried again then. */
  readonly leave: AbortSignal;
  /** `isReady`: false where only what needs no extension can be done. */
  readonly retry: (extensionId: string, isReady: boolean) => void;
}

interface Retry {
  pauseMs: number;
  cancel: (() => void) | undefined;
  /** Its time came while the extension was not ready. */
  isMissed: boolean;
}

const FIRST_PAUSE_MS = 30_000;
const LONGEST_PAUSE_MS = 600_000;

export class SubscriptionRetries {
  readonly #parts: SubscriptionRetriesParts;
  readonly #retries = new Map<string, Retry>();

  constructor(parts: SubscriptionRetriesParts) {
    this.#parts = parts;
    parts.calls.onReady((extensionId) => {
      const retry = this.#retries.get(extensionId);
      if (retry?.isMissed !== true) return;
      retry.isMissed = false;
      parts.retry(extensionId, true);
    });
    parts.leave.addEventListener('abort', () => {
      for (const extensionId of this.#retries.keys()) this.forget(extensionId);
    });
  }

  /**
   * Once, whoever asks for it. What an extension is to have is given to it once it is ready, by its next life at the latest; what it is not to
   * have is forgotten as soon as nothing runs that may have it.
   */
  later(extensionId: string): void {
    const { clock, calls, leave } = this.#parts;
    const retry = this.#retries.get(extensionId) ?? { pauseMs: FIRST_PAUSE_MS, cancel: undefined, isMissed: false };
    if (retry.cancel !== undefined || leave.aborted) return;
    retry.cancel = clock.after(retry.pauseMs, () => {
      retry.cancel = undefined;
      retry.isMissed = !calls.isReady(extensionId);
      this.#parts.retry(extensionId, !retry.isMissed);
    });
    retry.pauseMs = Math.min(retry.pauseMs * 2, LONGEST_PAUSE_MS);
    this.#retries.set(extensionId, retry);
  }

  /** All that could be done now was: what waits for the extension still does. */
  succeeded(extensionId: string): void {
    if (this.#retries.get(extensionId)?.isMissed !== true) this.forget(extensionId);
  }

  /** Nothing is left to be tried again, and the next pause is the shortest. */
  forget(extensionId: string): void {
    this.#retries.get(extensionId)?.cancel?.();
    this.#retries.delete(extensionId);
  }
}
