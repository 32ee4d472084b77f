import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';

export class RunDelete extends GoferCommand {
  static override paths = [['run', 'delete']];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: 'Delete a run that has ended, with its logs and objects',
    details: 'It cannot be undone. A run that goes on is left alone: cancel it first.',
    examples: [['The first run', '$0 run delete simple 1']],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id: readCount(this.run, 'a run', { minimum: 1 }) };
    await client.call('cancel_run', { path, query: { purge: true } });
    await this.showDone({ ...path, deleted: true }, `Deleted run #${path.run_id} of ${this.id}, with its logs and objects`);
  }
}
