import { codeOf } from '@gofer/contracts';
import type { PipelineConfig, Subscription } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderPipeline } from '../../output/pipeline-views.ts';

const RECENT_RUNS = 5;

export class PipelineGet extends GoferCommand {
  static override paths = [['pipeline', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Pipelines',
    description: 'Show a pipeline: its graph of tasks, its last runs and its subscriptions',
    details:
      'JSON has the shape {"metadata": …, "config": …, "subscriptions": …}; config is the newest version, or null where every version was deleted, and subscriptions are null for whoever may not read them.',
    examples: [['What it does and how it has been doing', '$0 pipeline get simple']],
  });

  id = Option.String({ name: 'pipeline' });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    const [{ pipeline: metadata }, config, { runs }, subscriptions] = await Promise.all([
      client.call('get_pipeline', { path }),
      this.#newestConfig(path),
      client.call('list_runs', { path, query: { limit: RECENT_RUNS, reverse: true } }),
      this.#subscriptions(path),
    ]);
    const resource = { metadata, config: config ?? null, subscriptions: subscriptions ?? null };
    await this.show(resource, (presentation) =>
      renderPipeline({ metadata, config, runs, subscriptions: subscriptions ?? [] }, presentation),
    );
  }

  /** Undefined for whoever may read pipelines, but not subscriptions. */
  async #subscriptions(path: { namespace_id: string; pipeline_id: string }): Promise<Subscription[] | undefined> {
    try {
      return (await (await this.client()).call('list_subscriptions', { path })).subscriptions;
    } catch (error) {
      if (codeOf(error) === 'PERMISSION_DENIED') return undefined;
      throw error;
    }
  }

  async #newestConfig(path: { namespace_id: string; pipeline_id: string }): Promise<PipelineConfig | undefined> {
    try {
      const client = await this.client();
      return (await client.call('get_config', { path: { ...path, version: 0 } })).config;
    } catch (error) {
      if (codeOf(error) === 'NOT_FOUND') return undefined;
      throw error;
    }
  }
}
