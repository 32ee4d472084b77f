import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';

export class NamespaceDelete extends GoferCommand {
  static override paths = [['namespace', 'delete']];
  static override usage = GoferCommand.Usage({
    category: 'Namespaces',
    description: 'Delete a namespace with all of its pipelines',
    examples: [['Pipelines, runs and logs in it go too', '$0 namespace delete team-a']],
  });

  id = Option.String({ name: 'namespace' });

  async execute(): Promise<void> {
    const client = await this.client();
    await client.call('delete_namespace', { path: { namespace_id: this.id } });
    await this.showDone({ namespace_id: this.id, deleted: true }, `Deleted namespace ${this.id}`);
  }
}
