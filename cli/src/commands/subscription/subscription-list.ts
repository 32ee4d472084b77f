import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderSubscriptions } from '../../output/subscription-views.ts';

export class SubscriptionList extends GoferCommand {
  static override paths = [['pipeline', 'subscription', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Subscriptions',
    description: 'List the subscriptions of a pipeline: to what, with which settings, and who keeps them',
    examples: [['What starts it by itself', '$0 pipeline subscription list simple']],
  });

  id = Option.String({ name: 'pipeline' });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    const { subscriptions } = await client.call('list_subscriptions', { path });
    await this.show(subscriptions, (presentation) => renderSubscriptions(subscriptions, presentation, this.id));
  }
}
