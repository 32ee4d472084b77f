import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';

export class NamespaceCreate extends GoferCommand {
  static override paths = [['namespace', 'create']];
  static override usage = GoferCommand.Usage({
    category: 'Namespaces',
    description: 'Create a namespace',
    examples: [['A team of its own', '$0 namespace create team-a "Team A" "Pipelines of the first team"']],
  });

  id = Option.String({ name: 'namespace' });
  name = Option.String({ name: 'name' });
  description = Option.String({ name: 'description', required: false });

  async execute(): Promise<void> {
    const client = await this.client();
    const { namespace } = await client.call('create_namespace', {
      body: { id: this.id, name: this.name, description: this.description ?? '' },
    });
    await this.showDone(namespace, `Created namespace ${namespace.id}`, [
      ['Work in it', `gofer --namespace ${namespace.id} pipeline list`],
    ]);
  }
}
