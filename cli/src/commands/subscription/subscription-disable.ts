import { SubscriptionCommand } from '../../extension/subscription-command.ts';
import { GoferCommand } from '../../gofer-command.ts';

export class SubscriptionDisable extends SubscriptionCommand {
  static override paths = [['pipeline', 'subscription', 'disable']];
  static override usage = GoferCommand.Usage({
    category: 'Subscriptions',
    description: 'Keep a subscription from starting runs, and keep its settings',
    examples: [['For a while', '$0 pipeline subscription disable simple cron nightly']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = await this.subscriptionPath();
    await client.call('update_subscription', { path, body: { status: 'disabled' } });
    const { subscription } = await client.call('get_subscription', { path });
    await this.showDone(subscription, `Disabled the subscription ${this.subscriptionName}`);
  }
}
