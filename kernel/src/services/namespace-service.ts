import { GoferError } from '@gofer/contracts';
import type { Namespace } from '@gofer/contracts/api';
import { IDENTIFIER_RULE, isIdentifier } from '@gofer/contracts/pipeline';
import type { Store } from '../storage/store.ts';
import { listVisible } from './lookup.ts';
import type { NamespaceService, Page } from './services.ts';

/** The namespace that exists from the start. */
export const DEFAULT_NAMESPACE = {
  id: 'default',
  name: 'Default',
  description: 'The namespace that every command uses unless it is told another.',
} as const;

export class StoredNamespaceService implements NamespaceService {
  readonly #store: Store;
  readonly #now: () => number;
  readonly #deletePipelines: (namespaceId: string) => () => void;

  /** `deletePipelines` is called inside the commit that deletes a namespace, and what it answers with after that. */
  constructor(store: Store, now: () => number, deletePipelines: (namespaceId: string) => () => void) {
    this.#store = store;
    this.#now = now;
    this.#deletePipelines = deletePipelines;
  }

  async ensureDefault(): Promise<void> {
    if (this.#store.namespaces.find(DEFAULT_NAMESPACE.id) === undefined) await this.create(DEFAULT_NAMESPACE);
  }

  async list(page: Page, mayRead?: (namespaceId: string) => boolean): Promise<Namespace[]> {
    return listVisible(page, (limit, offset) => this.#store.namespaces.list(limit, offset), mayRead && (({ id }) => mayRead(id)));
  }

  async create(namespace: { id: string; name: string; description: string }): Promise<Namespace> {
    if (!isIdentifier(namespace.id)) {
      const message = `must be ${IDENTIFIER_RULE}`;
      throw new GoferError('INVALID_ARGUMENT', `Namespace id '${namespace.id.slice(0, 64)}' ${message}.`, {
        details: [{ path: '$.id', message }],
      });
    }
    return this.#store.commitAudited(() => {
      const { namespaces, events } = this.#store;
      if (namespaces.find(namespace.id) !== undefined)
        throw new GoferError('ALREADY_EXISTS', `Namespace '${namespace.id}' exists already.`);
      const now = this.#now();
      namespaces.insert(namespace, now);
      events.emit('created_namespace', { namespace_id: namespace.id }, now);
      return this.#existing(namespace.id);
    });
  }

  async get(id: string): Promise<Namespace> {
    return this.#existing(id);
  }

  async update(id: string, change: { name?: string; description?: string }): Promise<Namespace> {
    return this.#store.commitAudited(() => {
      const namespace = this.#existing(id);
      if (change.name === undefined && change.description === undefined) return namespace;
      this.#store.namespaces.update(
        { id, name: change.name ?? namespace.name, description: change.description ?? namespace.description },
        this.#now(),
      );
      return this.#existing(id);
    });
  }

  async delete(id: string): Promise<void> {
    const sweep = await this.#store.commitAudited(() => {
      this.#existing(id);
      const sweepPipelines = this.#deletePipelines(id);
      this.#store.namespaces.delete(id);
      this.#store.events.emit('deleted_namespace', { namespace_id: id }, this.#now());
      return sweepPipelines;
    });
    sweep();
  }

  #existing(id: string): Namespace {
    const namespace = this.#store.namespaces.find(id);
    if (namespace === undefined) throw new GoferError('NOT_FOUND', `Namespace '${id}' does not exist.`);
    return namespace;
  }
}
