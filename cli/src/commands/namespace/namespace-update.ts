import { GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';

export class NamespaceUpdate extends GoferCommand {
  static override paths = [['namespace', 'update']];
  static override usage = GoferCommand.Usage({
    category: 'Namespaces',
    description: "Change a namespace's name or description",
    examples: [
      ['Another name', '$0 namespace update team-a --name "Team Alpha"'],
      ['Another description', '$0 namespace update team-a -d "Builds and releases"'],
    ],
  });

  id = Option.String({ name: 'namespace' });
  name = Option.String('-n,--name', { description: 'The new name' });
  description = Option.String('-d,--description', { description: 'The new description' });

  async execute(): Promise<void> {
    if (this.name === undefined && this.description === undefined) {
      throw new GoferError(
        'INVALID_ARGUMENT',
        `nothing to change: give --name or --description, as in gofer namespace update ${this.id} --name "A name"`,
      );
    }
    const client = await this.client();
    const change = {
      ...(this.name === undefined ? {} : { name: this.name }),
      ...(this.description === undefined ? {} : { description: this.description }),
    };
    const { namespace } = await client.call('update_namespace', { path: { namespace_id: this.id }, body: change });
    await this.showDone(namespace, `Updated namespace ${namespace.id}`);
  }
}
