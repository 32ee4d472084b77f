import { GoferError } from '@gofer/contracts';
import type { Event } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { followEvents } from '../../follow/follow-events.ts';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { renderEvent } from '../../output/event-views.ts';

export class EventList extends GoferCommand {
  static override paths = [['event', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Events',
    description: 'Show what has happened, then what happens, until Ctrl-C',
    details:
      'With --limit the newest events are shown, oldest first, and the command ends. With --reverse everything is shown, newest first, and it ends. JSON is one event a line.',
    examples: [
      ['The last twenty', '$0 event list --limit 20'],
      ['Everything, newest first', '$0 event list --reverse'],
    ],
  });

  history = Option.Boolean('--history', true, { description: 'Begin with what is stored (the default; --no-history does not)' });
  reverse = Option.Boolean('-r,--reverse', false, { description: 'Newest first, then end' });
  limit = Option.String('-l,--limit', { description: 'The newest so many, then end' });

  async execute(): Promise<number> {
    if (this.reverse && !this.history)
      throw new GoferError('INVALID_ARGUMENT', '--reverse shows what is stored, and --no-history leaves that out: give one of them');
    if (this.limit !== undefined) return await this.#showNewest(readCount(this.limit, '--limit', { minimum: 0 }));
    const stop = new AbortController();
    const remove = this.context.onSignal('SIGINT', () => stop.abort());
    try {
      const client = await this.client();
      const events = this.reverse
        ? await client.events({ history: true, reverse: true }, stop.signal)
        : followEvents(client, { history: this.history }, stop.signal);
      for await (const event of events) await this.#showOne(event);
      return 0;
    } finally {
      remove();
    }
  }

  async #showNewest(limit: number): Promise<number> {
    const newest: Event[] = [];
    if (limit > 0) {
      const client = await this.client();
      for await (const event of await client.events({ history: true, reverse: true }, new AbortController().signal)) {
        newest.push(event);
        if (newest.length === limit) break;
      }
    }
    for (const event of newest.reverse()) {
      // In order: each waits for the reader of the one before.
      await this.#showOne(event);
    }
    return 0;
  }

  async #showOne(event: Event): Promise<void> {
    const { outputFormat } = await this.context.settings();
    if (outputFormat === 'json') await this.write(`${JSON.stringify(event)}\n`);
    if (outputFormat === 'plain') await this.write(renderEvent(event, await this.presentation()));
  }
}
