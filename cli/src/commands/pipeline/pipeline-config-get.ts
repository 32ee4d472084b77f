import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { renderConfig } from '../../output/config-views.ts';

export class PipelineConfigGet extends GoferCommand {
  static override paths = [['pipeline', 'config', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Versions and deployments',
    description: 'Show one version of a pipeline',
    examples: [
      ['The first one', '$0 pipeline config get simple 1'],
      ['The newest one', '$0 pipeline config get simple'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  version = Option.String({ name: 'version', required: false });

  async execute(): Promise<void> {
    const client = await this.client();
    const version = readCount((this.version ?? '0').replace(/^v/u, ''), 'a version', { minimum: 0 });
    const { config } = await client.call('get_config', { path: { namespace_id: await this.namespaceId(), pipeline_id: this.id, version } });
    await this.show(config, (presentation) => renderConfig(config, presentation));
  }
}
