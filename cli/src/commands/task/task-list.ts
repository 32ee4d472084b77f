import { GoferCommand } from '../../gofer-command.ts';
import { renderTasks } from '../../output/task-views.ts';
import { RunCommand } from '../run/run-command.ts';

export class TaskList extends RunCommand {
  static override paths = [
    ['task', 'list'],
    ['taskexecution', 'list'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tasks',
    description: 'List the tasks of a run',
    examples: [['Of the first run', '$0 task list simple 1']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = await this.runPath();
    const { task_executions: tasks } = await client.call('list_task_executions', { path });
    await this.show(tasks, (presentation) => renderTasks(tasks, presentation));
  }
}
