import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';

export class PipelineConfigDelete extends GoferCommand {
  static override paths = [['pipeline', 'config', 'delete']];
  static override usage = GoferCommand.Usage({
    category: 'Versions and deployments',
    description: 'Delete a version of a pipeline that is neither live nor the newest',
    examples: [['An old one', '$0 pipeline config delete simple 1']],
  });

  id = Option.String({ name: 'pipeline' });
  version = Option.String({ name: 'version' });

  async execute(): Promise<void> {
    const client = await this.client();
    const version = readCount(this.version.replace(/^v/u, ''), 'a version', { minimum: 1 });
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, version };
    await client.call('delete_config', { path });
    await this.showDone({ ...path, deleted: true }, `Deleted version ${version} of pipeline ${this.id}`);
  }
}
