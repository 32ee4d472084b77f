import type { PipelineMetadata } from '@gofer/contracts/api';
import { endSubscriptionsOfPipeline } from '../extensions/subscription-ends.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { Store } from '../storage/store.ts';
import type { SubscriptionKey } from '../storage/subscriptions-table.ts';
import type { Deletions } from './deletions.ts';
import { type Lookup, limitsOf, listVisible } from './lookup.ts';
import type { Page, PipelinePath, PipelineService } from './services.ts';

export interface PipelineServiceParts {
  readonly store: Store;
  readonly lookup: Lookup;
  readonly deletions: Deletions;
  /** Has an extension told, some time, that a subscription has ended. */
  readonly tellExtension: (subscription: SubscriptionKey) => void;
  readonly now: () => number;
}

export class StoredPipelineService implements PipelineService {
  readonly #parts: PipelineServiceParts;

  constructor(parts: PipelineServiceParts) {
    this.#parts = parts;
  }

  async list(namespaceId: string, page: Page, mayRead?: (pipelineId: string) => boolean): Promise<PipelineMetadata[]> {
    this.#parts.lookup.namespace(namespaceId);
    const { pipelines } = this.#parts.store;
    const isVisible = mayRead && ((metadata: PipelineMetadata) => mayRead(metadata.pipeline_id));
    return listVisible(page, (...limits) => pipelines.list(namespaceId, ...limits).map((record) => record.metadata), isVisible);
  }

  async get(path: PipelinePath): Promise<PipelineMetadata> {
    return this.#parts.lookup.pipeline(path).metadata;
  }

  async setState(path: PipelinePath, state: 'active' | 'disabled'): Promise<void> {
    const { store, lookup, now } = this.#parts;
    await store.commitAudited(() => {
      const pipeline = lookup.pipeline(path);
      if (pipeline.metadata.state === state) return;
      store.pipelines.setState(pipeline.uid, state, now());
      store.events.emit(
        state === 'active' ? 'enabled_pipeline' : 'disabled_pipeline',
        { namespace_id: path.namespaceId, pipeline_id: path.pipelineId },
        now(),
      );
    });
  }

  async delete(path: PipelinePath): Promise<void> {
    const { store, lookup } = this.#parts;
    const sweep = await store.commitAudited(() => this.#hide(lookup.pipeline(path)));
    sweep();
  }

  /** Inside the commit that deletes the namespace. What it answers with must be called after that commit. */
  deleteAllOf(namespaceId: string): () => void {
    const hidden = this.#parts.store.pipelines.list(namespaceId, ...limitsOf({})).map((pipeline) => this.#hide(pipeline));
    return () => {
      for (const sweep of hidden) sweep();
    };
  }

  /** Its id is free at once; what runs is cancelled, and the rest goes when that has ended. What it answers with is for after the commit. */
  #hide(pipeline: PipelineRecord): () => void {
    const { store, deletions, tellExtension, now } = this.#parts;
    const { namespace_id, pipeline_id } = pipeline.metadata;
    store.pipelines.hide(pipeline.uid, now());
    const subscriptions = endSubscriptionsOfPipeline(store, pipeline.uid, now());
    store.events.emit('deleted_pipeline', { namespace_id, pipeline_id }, now());
    return () => {
      for (const subscription of subscriptions) tellExtension(subscription);
      deletions.emptyPipeline(pipeline);
    };
  }
}
