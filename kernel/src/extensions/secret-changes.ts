/**
 * What refers to a secret has what it stood for when it was looked up last. Where a secret is stored anew, the subscriptions that refer to it
 * are given to their extensions again, and extensions whose own settings do are started anew, but only where that makes a difference.
 */
import type { PluginLog } from '@gofer/contracts';
import type { Clock } from '../clock/clock.ts';
import { isSecretReference, parseReference } from '../domain/index.ts';
import type { ExtensionRecord } from '../storage/extensions-table.ts';
import { GLOBAL } from '../storage/secrets-table.ts';
import type { Store } from '../storage/store.ts';
import type { SubscriptionRecord } from '../storage/subscriptions-table.ts';
import type { ExtensionManager } from './extension-manager.ts';
import type { SubscriptionKeeper } from './subscription-keeper.ts';

export interface SecretChangesParts {
  readonly store: Store;
  readonly keeper: Pick<SubscriptionKeeper, 'renewSoon'>;
  readonly manager: Pick<ExtensionManager, 'renew'>;
  readonly clock: Clock;
  readonly log: PluginLog;
  /** Aborts when the server stops: whoever is started or given anything after that is given what is stored then. */
  readonly leave: AbortSignal;
}

/** Several secrets are often stored one behind the other. */
const GATHER_MS = 1000;

export class SecretChanges {
  readonly #parts: SecretChangesParts;
  /** Keys that were stored, by their owner. */
  #changed = new Map<string, Set<string>>();
  #cancel: (() => void) | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(parts: SecretChangesParts) {
    this.#parts = parts;
    parts.leave.addEventListener('abort', () => this.#cancel?.());
  }

  /** After the commit. `owner`: a pipeline's uid, or `GLOBAL`. */
  stored(owner: string, key: string): void {
    const { clock, leave } = this.#parts;
    if (leave.aborted) return;
    this.#changed.set(owner, (this.#changed.get(owner) ?? new Set()).add(key));
    this.#cancel ??= clock.after(GATHER_MS, () => {
      this.#cancel = undefined;
      const changed = this.#changed;
      this.#changed = new Map();
      this.#renewing = this.#renewing.then(() => this.#renew(changed));
    });
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#renewing;
  }

  /** Never rejects. */
  async #renew(changed: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
    const { store, keeper, manager, log, leave } = this.#parts;
    try {
      for (const extension of store.extensions.list()) {
        if (leave.aborted) return;
        // One that is started anew is given all of its subscriptions anyway.
        if (doesExtensionRefer(extension, changed) && (await manager.renew(extension.id))) continue;
        for (const record of store.subscriptions.ofExtension(extension.id)) if (doesRefer(record, changed)) keeper.renewSoon(record);
      }
    } catch (error) {
      if (leave.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      log('warn', 'a secret was stored anew, and not all that refers to it could be told; it takes effect with the next start', { reason });
    }
  }
}

function doesRefer({ settings, pipelineUid }: SubscriptionRecord, changed: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  return Object.values(settings).some((value) => {
    const reference = parseReference(value);
    if (reference === undefined || !isSecretReference(reference)) return false;
    return changed.get(reference.kind === 'global_secret' ? GLOBAL : pipelineUid)?.has(reference.name) === true;
  });
}

function doesExtensionRefer({ settings, registry }: ExtensionRecord, changed: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  return [...settings.map(({ reference }) => reference), registry?.passReference].some((text) => {
    const reference = text === undefined ? undefined : parseReference(text);
    return reference !== undefined && changed.get(GLOBAL)?.has(reference.name) === true;
  });
}
