import { GoferCommand } from '../../gofer-command.ts';
import { RunCommand } from './run-command.ts';

export class RunDelete extends RunCommand {
  static override paths = [['run', 'delete']];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: 'Delete a run that has ended, with its logs and objects',
    details: 'It cannot be undone. A run that goes on is left alone: cancel it first.',
    examples: [['The first run', '$0 run delete simple 1']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = await this.runPath();
    await client.call('cancel_run', { path, query: { purge: true } });
    await this.showDone({ ...path, deleted: true }, `Deleted run #${path.run_id} of ${this.id}, with its logs and objects`);
  }
}
