import type { AuditEntry } from '@gofer/contracts/api';
import type { AuditQuery, NewAuditEntry } from '../storage/audit-table.ts';
import type { Store } from '../storage/store.ts';
import type { AuditService } from './services.ts';

export class StoredAuditService implements AuditService {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async list(query: AuditQuery): Promise<AuditEntry[]> {
    return this.#store.audit.list(query);
  }

  record<T>(entry: NewAuditEntry, work: () => T | Promise<T>, options?: { readonly refusals: boolean }): Promise<T> {
    return this.#store.trail.record(entry, work, options);
  }
}
