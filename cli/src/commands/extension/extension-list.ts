import { GoferCommand } from '../../gofer-command.ts';
import { renderExtensions } from '../../output/extension-views.ts';

export class ExtensionList extends GoferCommand {
  static override paths = [['extension', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'List the extensions that are installed, and how they are doing',
    examples: [['Which of them run', '$0 extension list']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const { extensions } = await client.call('list_extensions', {});
    await this.show(extensions, (presentation) => renderExtensions(extensions, presentation));
  }
}
