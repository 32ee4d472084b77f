import { SubscriptionCommand } from '../../extension/subscription-command.ts';
import { GoferCommand } from '../../gofer-command.ts';

export class SubscriptionEnable extends SubscriptionCommand {
  static override paths = [['pipeline', 'subscription', 'enable']];
  static override usage = GoferCommand.Usage({
    category: 'Subscriptions',
    description: 'Let a disabled subscription start runs again',
    examples: [['From now on again', '$0 pipeline subscription enable simple cron nightly']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = await this.subscriptionPath();
    await client.call('update_subscription', { path, body: { status: 'active' } });
    const { subscription } = await client.call('get_subscription', { path });
    await this.showDone(subscription, `Enabled the subscription ${this.subscriptionName}`);
  }
}
