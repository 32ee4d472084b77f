import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { renderTasks } from '../../output/task-views.ts';

export class TaskList extends GoferCommand {
  static override paths = [
    ['task', 'list'],
    ['taskexecution', 'list'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tasks',
    description: 'List the tasks of a run',
    examples: [['Of the first run', '$0 task list simple 1']],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id: readCount(this.run, 'a run', { minimum: 1 }) };
    const { task_executions: tasks } = await client.call('list_task_executions', { path });
    await this.show(tasks, (presentation) => renderTasks(tasks, presentation));
  }
}
