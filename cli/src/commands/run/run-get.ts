import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { renderRun } from '../../output/run-views.ts';

export class RunGet extends GoferCommand {
  static override paths = [['run', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: 'Show a run and its tasks, and what it is waiting for',
    examples: [['The first run', '$0 run get simple 1']],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id: readCount(this.run, 'a run', { minimum: 1 }) };
    const [{ run }, { task_executions: tasks }] = await Promise.all([
      client.call('get_run', { path }),
      client.call('list_task_executions', { path }),
    ]);
    await this.show(run, (presentation) => renderRun(run, tasks, presentation));
  }
}
