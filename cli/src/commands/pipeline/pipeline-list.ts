import type { PipelineMetadata, Run } from '@gofer/contracts/api';
import type { GoferClient } from '../../api/gofer-client.ts';
import { mapBounded } from '../../api/map-bounded.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { renderPipelines } from '../../output/pipeline-views.ts';

/** Requests at a time for the last run of each pipeline. */
const AT_ONCE = 8;

export class PipelineList extends GoferCommand {
  static override paths = [['pipeline', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Pipelines',
    description: 'List the pipelines of a namespace',
    examples: [
      ['In your namespace', '$0 pipeline list'],
      ['In another one', '$0 pipeline list --namespace default'],
    ],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const { pipelines } = await client.call('list_pipelines', { path: { namespace_id: await this.namespaceId() } });
    if ((await this.context.settings()).outputFormat !== 'plain') return await this.show(pipelines, () => '');
    const lastRuns = await mapBounded(pipelines, AT_ONCE, (pipeline) => lastRunOf(client, pipeline));
    await this.show(pipelines, (presentation) => renderPipelines(pipelines, lastRuns, presentation));
  }
}

async function lastRunOf(client: GoferClient, { namespace_id, pipeline_id }: PipelineMetadata): Promise<Run | undefined> {
  const { runs } = await client.call('list_runs', { path: { namespace_id, pipeline_id }, query: { limit: 1, reverse: true } });
  return runs[0];
}
