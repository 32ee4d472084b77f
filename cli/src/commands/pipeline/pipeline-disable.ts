import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';

export class PipelineDisable extends GoferCommand {
  static override paths = [['pipeline', 'disable']];
  static override usage = GoferCommand.Usage({
    category: 'Pipelines',
    description: 'Keep a pipeline from starting runs; those in progress go on',
    examples: [['Disable the pipeline "simple"', '$0 pipeline disable simple']],
  });

  id = Option.String({ name: 'pipeline' });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    await client.call('update_pipeline', { path, body: { state: 'disabled' } });
    await this.showDone({ ...path, state: 'disabled' }, `Disabled pipeline ${this.id}`);
  }
}
