import type { Extension } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import type { GoferClient } from '../../api/gofer-client.ts';
import { lastWordsOfFailed } from '../../extension/last-words.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { type ExtensionSurroundings, renderExtension } from '../../output/extension-views.ts';

const ALONE: ExtensionSurroundings = { said: [], subscriptions: [] };

export class ExtensionGet extends GoferCommand {
  static override paths = [['extension', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'Show an extension: how it is doing, the settings that it and its subscriptions take, and who is subscribed',
    examples: [['What a subscription to cron needs', '$0 extension get cron']],
  });

  id = Option.String({ name: 'extension' });

  async execute(): Promise<void> {
    const client = await this.client();
    const { extension } = await client.call('get_extension', { path: { extension_id: this.id } });
    const surroundings = (await this.settings()).outputFormat === 'plain' ? await this.#surroundings(client, extension) : ALONE;
    await this.show(extension, (presentation) => renderExtension(extension, surroundings, presentation));
  }

  async #surroundings(client: GoferClient, extension: Extension): Promise<ExtensionSurroundings> {
    const [said, { subscriptions }] = await Promise.all([
      lastWordsOfFailed(client, extension),
      client.call('list_extension_subscriptions', { path: { extension_id: this.id } }),
    ]);
    return { said, subscriptions };
  }
}
