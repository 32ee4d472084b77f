import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderConfigs } from '../../output/config-views.ts';

export class PipelineConfigList extends GoferCommand {
  static override paths = [['pipeline', 'config', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Versions and deployments',
    description: "List a pipeline's versions, newest first",
    examples: [['Which one is live', '$0 pipeline config list simple']],
  });

  id = Option.String({ name: 'pipeline' });

  async execute(): Promise<void> {
    const client = await this.client();
    const { configs } = await client.call('list_configs', { path: { namespace_id: await this.namespaceId(), pipeline_id: this.id } });
    await this.show(configs, (presentation) => renderConfigs(configs, presentation));
  }
}
