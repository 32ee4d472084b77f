import { GoferCommand } from '../../gofer-command.ts';
import { renderNamespaces } from '../../output/namespace-views.ts';

export class NamespaceList extends GoferCommand {
  static override paths = [['namespace', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Namespaces',
    description: 'List namespaces',
    examples: [
      ['All of them', '$0 namespace list'],
      ['Their ids, for a program', '$0 namespace list --output-format json'],
    ],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const { namespaces } = await client.call('list_namespaces', {});
    await this.show(namespaces, (presentation) => renderNamespaces(namespaces, presentation));
  }
}
