import { Option } from 'clipanion';
import { ExtensionStartingCommand } from '../../extension/starting-command.ts';
import { readWait, waitForExtension, waitOption } from '../../extension/wait-for-extension.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class ExtensionEnable extends ExtensionStartingCommand {
  static override paths = [['extension', 'enable']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'Start a disabled extension again, with its subscriptions',
    examples: [['Start cron again', '$0 extension enable cron']],
  });

  id = Option.String({ name: 'extension' });
  wait = waitOption();

  async execute(): Promise<void> {
    const seconds = readWait(this.wait);
    const client = await this.client();
    await client.call('update_extension', { path: { extension_id: this.id }, body: { enable: true } });
    const extension = await waitForExtension(client, this.id, { seconds, now: this.context.now });
    await this.showStarted(`Enabled extension ${toSafeLine(this.id)}`, extension);
  }
}
