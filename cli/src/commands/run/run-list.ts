import { Option } from 'clipanion';
import { GoferCommand, limitOption, noReverseOption, offsetOption, readCount } from '../../gofer-command.ts';
import { renderRuns } from '../../output/run-views.ts';

export class RunList extends GoferCommand {
  static override paths = [['run', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: "List a pipeline's runs, newest first",
    examples: [
      ['The last ten', '$0 run list simple'],
      ['The first hundred', '$0 run list simple --limit 100 --no-reverse'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  limit = limitOption();
  offset = offsetOption();
  noReverse = noReverseOption();

  async execute(): Promise<void> {
    const client = await this.client();
    const query = {
      limit: readCount(this.limit, '--limit', { minimum: 0 }),
      offset: readCount(this.offset, '--offset', { minimum: 0 }),
      reverse: !this.noReverse,
    };
    const { runs } = await client.call('list_runs', { path: { namespace_id: await this.namespaceId(), pipeline_id: this.id }, query });
    await this.show(runs, (presentation) => renderRuns(runs, presentation));
  }
}
