import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderNamespace } from '../../output/namespace-views.ts';

export class NamespaceGet extends GoferCommand {
  static override paths = [['namespace', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Namespaces',
    description: 'Show a namespace',
    examples: [['The one that is there from the beginning', '$0 namespace get default']],
  });

  id = Option.String({ name: 'namespace' });

  async execute(): Promise<void> {
    const client = await this.client();
    const { namespace } = await client.call('get_namespace', { path: { namespace_id: this.id } });
    await this.show(namespace, (presentation) => renderNamespace(namespace, presentation));
  }
}
