import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';

export class PipelineEnable extends GoferCommand {
  static override paths = [['pipeline', 'enable']];
  static override usage = GoferCommand.Usage({
    category: 'Pipelines',
    description: 'Let a disabled pipeline start runs again',
    examples: [['Enable the pipeline "simple"', '$0 pipeline enable simple']],
  });

  id = Option.String({ name: 'pipeline' });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    await client.call('update_pipeline', { path, body: { state: 'active' } });
    await this.showDone({ ...path, state: 'active' }, `Enabled pipeline ${this.id}`);
  }
}
