import { SubscriptionCommand } from '../../extension/subscription-command.ts';
import { GoferCommand } from '../../gofer-command.ts';

export class SubscriptionDelete extends SubscriptionCommand {
  static override paths = [
    ['pipeline', 'unsubscribe'],
    ['pipeline', 'subscription', 'delete'],
    ['extension', 'unsub'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Subscriptions',
    description: 'End a subscription of a pipeline; the runs that it has started go on',
    details: "Holds at once, also where the extension does not run. One that is in the pipeline's code is made again by the next gofer up.",
    examples: [['No run by this one any more', '$0 pipeline unsubscribe simple cron nightly']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = await this.subscriptionPath();
    await client.call('delete_subscription', { path });
    await this.showDone({ ...path, deleted: true }, `Ended the subscription ${this.subscriptionName}`);
  }
}
