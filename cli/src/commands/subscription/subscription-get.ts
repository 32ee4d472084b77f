import { SubscriptionCommand } from '../../extension/subscription-command.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { renderSubscription } from '../../output/subscription-views.ts';

export class SubscriptionGet extends SubscriptionCommand {
  static override paths = [['pipeline', 'subscription', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Subscriptions',
    description: 'Show a subscription: its settings, and why it does not work where it does not',
    examples: [['One of them', '$0 pipeline subscription get simple cron nightly']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const { subscription } = await client.call('get_subscription', { path: await this.subscriptionPath() });
    await this.show(subscription, (presentation) => renderSubscription(subscription, presentation));
  }
}
