import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderEventInFull } from '../../output/event-views.ts';

export class EventGet extends GoferCommand {
  static override paths = [['event', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Events',
    description: 'Show one event',
    examples: [['By the id that event list shows', '$0 event get 01a209b2-7b61-7113-80c5-1baaa40a85b1']],
  });

  id = Option.String({ name: 'event' });

  async execute(): Promise<void> {
    const client = await this.client();
    const { event } = await client.call('get_event', { path: { event_id: this.id } });
    await this.show(event, (presentation) => renderEventInFull(event, presentation));
  }
}
