import type { SystemMetadata, SystemPreferences } from '@gofer/contracts/api';
import type { Store } from '../storage/store.ts';
import type { Readiness } from './readiness.ts';
import type { ReadinessReport, SystemService } from './services.ts';

export class StoredSystemService implements SystemService {
  readonly #store: Store;
  readonly #metadata: SystemMetadata;
  readonly #health: () => Promise<void>;
  readonly #readiness: Readiness;

  constructor(store: Store, metadata: SystemMetadata, health: () => Promise<void>, readiness: Readiness) {
    this.#store = store;
    this.#metadata = metadata;
    this.#health = health;
    this.#readiness = readiness;
  }

  async metadata(): Promise<SystemMetadata> {
    return this.#metadata;
  }

  async preferences(): Promise<SystemPreferences> {
    return this.#store.system.preferences();
  }

  async updatePreferences(change: { ignorePipelineRunEvents?: boolean }): Promise<void> {
    const ignore = change.ignorePipelineRunEvents;
    if (ignore === undefined) return;
    await this.#store.commitAudited(() => this.#store.system.setIgnorePipelineRunEvents(ignore));
  }

  health(): Promise<void> {
    return this.#health();
  }

  readiness(): Promise<ReadinessReport> {
    return this.#readiness.report();
  }
}
