import { Option } from 'clipanion';
import { lastWordsOfFailed } from '../../extension/last-words.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { renderExtension } from '../../output/extension-views.ts';

export class ExtensionGet extends GoferCommand {
  static override paths = [['extension', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'Show an extension: how it is doing, and the settings that it and its subscriptions take',
    examples: [['What a subscription to cron needs', '$0 extension get cron']],
  });

  id = Option.String({ name: 'extension' });

  async execute(): Promise<void> {
    const client = await this.client();
    const { extension } = await client.call('get_extension', { path: { extension_id: this.id } });
    const isForPeople = (await this.settings()).outputFormat === 'plain';
    const said = isForPeople ? await lastWordsOfFailed(client, extension) : [];
    await this.show(extension, (presentation) => renderExtension(extension, said, presentation));
  }
}
