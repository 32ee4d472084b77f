import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';

export class ExtensionUninstall extends GoferCommand {
  static override paths = [['extension', 'uninstall']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'Stop an extension, and remove it with its subscriptions, objects, deliveries and logs',
    details: 'Pipelines and their runs stay. To stop it for a while, and keep what it has: gofer extension disable.',
    examples: [['Without it, nothing starts by a schedule any more', '$0 extension uninstall cron']],
  });

  id = Option.String({ name: 'extension' });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = { extension_id: this.id };
    const { subscriptions } = await client.call('list_extension_subscriptions', { path });
    await client.call('uninstall_extension', { path });
    const count = subscriptions.length;
    const gone =
      count === 0 ? 'it had no subscriptions' : count === 1 ? 'one subscription went with it' : `${count} subscriptions went with it`;
    await this.showDone({ ...path, subscriptions: count, uninstalled: true }, `Uninstalled extension ${this.id}; ${gone}`);
  }
}
