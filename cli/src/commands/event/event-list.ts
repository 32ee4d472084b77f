import { GoferError } from '@gofer/contracts';
import type { Event } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { followEvents } from '../../follow/follow-events.ts';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { parseMoment } from '../../input/parse-moment.ts';
import { renderEvent } from '../../output/event-views.ts';
import { toSafeJson } from '../../output/sanitise.ts';

export class EventList extends GoferCommand {
  static override paths = [['event', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Events',
    description: 'Show what has happened, then what happens, until Ctrl-C',
    details:
      'With --limit the newest events are shown, oldest first, and the command ends. With --reverse everything is shown, newest first, and it ends; with --no-follow it ends at what is there now. Where the connection is lost it goes on behind the last event that was shown. JSON is one event a line.',
    examples: [
      ['The last twenty', '$0 event list --limit 20'],
      ['Everything, newest first', '$0 event list --reverse'],
      ['How the runs of the last two hours ended', '$0 event list --kind completed_run --since 2h --no-follow'],
    ],
  });

  history = Option.Boolean('--history', true, { description: 'Begin with what is stored (the default; --no-history does not)' });
  reverse = Option.Boolean('-r,--reverse', false, { description: 'Newest first, then end' });
  limit = Option.String('-l,--limit', { description: 'The newest so many, then end' });
  follow = Option.Boolean('-f,--follow', {
    description: 'Go on with what happens (the default but with --limit and --reverse; --no-follow ends at what is there)',
  });
  kind = Option.Array('--kind', [], { description: 'Only events of this kind, such as completed_run; may be given several times' });
  since = Option.String('--since', { description: 'Begin with what happened since a time, or so long ago: 10m' });

  async execute(): Promise<number> {
    if (this.reverse && !this.history)
      throw new GoferError('INVALID_ARGUMENT', '--reverse shows what is stored, and --no-history leaves that out: give one of them');
    if (this.reverse && this.follow === true)
      throw new GoferError('INVALID_ARGUMENT', '--reverse ends with the oldest event, and --follow never ends: give one of them');
    if (this.since !== undefined && !this.history)
      throw new GoferError('INVALID_ARGUMENT', '--since begins with what is stored, and --no-history leaves that out: give one of them');
    const limit = this.limit === undefined ? undefined : readCount(this.limit, '--limit', { minimum: 0 });
    const since = this.since === undefined ? undefined : parseMoment(this.since, '--since', this.context.now());
    const query = { ...(this.kind.length === 0 ? {} : { kind: this.kind }), ...(since === undefined ? {} : { since }) };
    const stop = new AbortController();
    const remove = this.context.onSignal('SIGINT', () => stop.abort());
    try {
      if (this.reverse && limit === undefined) await this.#showReversed(query, stop.signal);
      else await this.#showInOrder(query, limit, stop.signal);
      return 0;
    } finally {
      remove();
    }
  }

  async #showReversed(query: { kind?: string[]; since?: number }, signal: AbortSignal): Promise<void> {
    const client = await this.client();
    for await (const event of await client.events({ history: true, reverse: true, ...query }, signal)) await this.#showOne(event);
  }

  async #showInOrder(query: { kind?: string[]; since?: number }, limit: number | undefined, signal: AbortSignal): Promise<void> {
    const follow = this.follow ?? (limit === undefined && !this.reverse);
    const stored =
      limit !== undefined || (this.history && !follow) ? await this.#newest(query, limit ?? Number.POSITIVE_INFINITY, signal) : [];
    for (const event of stored) {
      // In order: each waits for the reader of the one before.
      await this.#showOne(event);
    }
    if (!follow) return;
    const { kind: kinds = [], since } = query;
    const after = (this.history && limit !== 0 ? stored.at(-1) : (await this.#newest({}, 1, signal)).at(-1))?.id;
    // Behind that event, so that a connection that is lost before the first one is shown loses nothing; without one there was none.
    const start = { history: true, kinds, ...(since === undefined ? {} : { since }), ...(after === undefined ? {} : { after }) };
    for await (const event of followEvents(await this.client(), start, signal)) await this.#showOne(event);
  }

  /** Oldest first. */
  async #newest(query: { kind?: string[]; since?: number }, limit: number, signal: AbortSignal): Promise<Event[]> {
    const newest: Event[] = [];
    if (limit === 0) return newest;
    for await (const event of await (await this.client()).events({ history: true, reverse: true, ...query }, signal)) {
      newest.push(event);
      if (newest.length === limit) break;
    }
    return newest.reverse();
  }

  async #showOne(event: Event): Promise<void> {
    const { outputFormat } = await this.context.settings();
    if (outputFormat === 'json') await this.write(`${toSafeJson(event)}\n`);
    if (outputFormat === 'plain') await this.write(renderEvent(event, await this.presentation()));
  }
}
