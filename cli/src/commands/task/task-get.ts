import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { renderTask } from '../../output/task-views.ts';

export class TaskGet extends GoferCommand {
  static override paths = [
    ['task', 'get'],
    ['taskexecution', 'get'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tasks',
    description: 'Show one task of a run, with its variables and where each comes from',
    examples: [['How it ended', '$0 task get simple 1 hello']],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });
  task = Option.String({ name: 'task' });

  async execute(): Promise<void> {
    const client = await this.client();
    const run_id = readCount(this.run, 'a run', { minimum: 1 });
    const { task_execution: task } = await client.call('get_task_execution', {
      path: { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id, task_id: this.task },
    });
    await this.show(task, (presentation) => renderTask(task, presentation));
  }
}
