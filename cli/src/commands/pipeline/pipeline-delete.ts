import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';

export class PipelineDelete extends GoferCommand {
  static override paths = [['pipeline', 'delete']];
  static override usage = GoferCommand.Usage({
    category: 'Pipelines',
    description: 'Delete a pipeline with its versions, runs and logs',
    examples: [['What is running is cancelled first', '$0 pipeline delete simple']],
  });

  id = Option.String({ name: 'pipeline' });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    await client.call('delete_pipeline', { path });
    await this.showDone({ ...path, deleted: true }, `Deleted pipeline ${this.id}`);
  }
}
