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
  readonly keeper: Pick<SubscriptionKeeper, 'renew'>;
  readonly manager: Pick<ExtensionManager, 'renew'>;
  readonly clock: Clock;
  readonly log: PluginLog;
  /** Aborts when the server stops: whoever is started or given anything after that is given what is stored then. */
  readonly leave: AbortSignal;
}

/** Keys that were stored, by their owner. */
type Changed = ReadonlyMap<string, ReadonlySet<string>>;

/** Several secrets are often stored one behind the other. */
const GATHER_MS = 1000;
/** Until it is tried again, where not all could be told. */
const AGAIN_MS = 30_000;

export class SecretChanges {
  readonly #parts: SecretChangesParts;
  #changed = new Map<string, Set<string>>();
  #next: { readonly at: number; readonly cancel: () => void } | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(parts: SecretChangesParts) {
    this.#parts = parts;
    parts.leave.addEventListener('abort', () => this.#next?.cancel());
  }

  /** After the commit. `owner`: a pipeline's uid, or `GLOBAL`. */
  stored(owner: string, key: string): void {
    this.#note(owner, [key]);
    this.#renewIn(GATHER_MS);
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    await this.#renewing;
  }

  #note(owner: string, keys: Iterable<string>): void {
    this.#changed.set(owner, new Set([...(this.#changed.get(owner) ?? []), ...keys]));
  }

  /** Within this time, and earlier where it is due earlier. */
  #renewIn(ms: number): void {
    const { clock, leave } = this.#parts;
    const at = clock.monotonic() + ms;
    if (leave.aborted || (this.#next !== undefined && this.#next.at <= at)) return;
    this.#next?.cancel();
    const cancel = clock.after(ms, () => {
      this.#next = undefined;
      const changed = this.#changed;
      this.#changed = new Map();
      this.#renewing = this.#renewing.then(() => this.#renew(changed));
    });
    this.#next = { at, cancel };
  }

  /** Rejects never. One that cannot be told keeps nobody else from it, and all are asked again: whoever was told has nothing else then. */
  async #renew(changed: Changed): Promise<void> {
    const { store, log, leave } = this.#parts;
    try {
      const told = await Promise.allSettled(store.extensions.list().map((extension) => this.#tell(extension, changed)));
      for (const each of told) if (each.status === 'rejected') throw each.reason;
    } catch (error) {
      if (leave.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      log('warn', 'a secret was stored anew, and not all that refers to it could be told; it is tried again', { reason });
      for (const [owner, keys] of changed) this.#note(owner, keys);
      this.#renewIn(AGAIN_MS);
    }
  }

  async #tell(extension: ExtensionRecord, changed: Changed): Promise<void> {
    const { keeper, manager } = this.#parts;
    // One that is started anew is given all of its subscriptions anyway.
    if (doesExtensionRefer(extension, changed) && (await manager.renew(extension.id))) return;
    await keeper.renew(extension.id, (record) => doesRefer(record, changed));
  }
}

function doesRefer({ settings, pipelineUid }: SubscriptionRecord, changed: Changed): boolean {
  return Object.values(settings).some((value) => {
    const reference = parseReference(value);
    if (reference === undefined || !isSecretReference(reference)) return false;
    return changed.get(reference.kind === 'global_secret' ? GLOBAL : pipelineUid)?.has(reference.name) === true;
  });
}

function doesExtensionRefer({ settings, registry }: ExtensionRecord, changed: Changed): boolean {
  return [...settings.map(({ reference }) => reference), registry?.passReference].some((text) => {
    const reference = text === undefined ? undefined : parseReference(text);
    return reference !== undefined && changed.get(GLOBAL)?.has(reference.name) === true;
  });
}
