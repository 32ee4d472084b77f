import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';

export class ExtensionDisable extends GoferCommand {
  static override paths = [['extension', 'disable']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'Stop an extension: its subscriptions stay, and start nothing until it is enabled again',
    examples: [['Stop cron', '$0 extension disable cron']],
  });

  id = Option.String({ name: 'extension' });

  async execute(): Promise<void> {
    const client = await this.client();
    await client.call('update_extension', { path: { extension_id: this.id }, body: { enable: false } });
    await this.showDone({ extension_id: this.id, status: 'disabled' }, `Disabled extension ${this.id}`, [
      ['Start it again', `gofer extension enable ${this.id}`],
    ]);
  }
}
