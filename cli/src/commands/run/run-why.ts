import { GoferCommand } from '../../gofer-command.ts';
import { renderWhy, tasksThatMatter } from '../../output/why-views.ts';
import { RunCommand } from './run-command.ts';

export class RunWhy extends RunCommand {
  static override paths = [['run', 'why']];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: 'Say why a run is where it is: what it waits for, or why it ended as it did',
    details: `
      Of a run that has not ended, and of each of its tasks that has not: what it waits for, since when, until when at the latest, and what happens next. Of what has ended otherwise than successfully: why, who asked for it, and how each attempt ended. The words in brackets are the reason and the cause, as programs get them.

      JSON is {"run", "task_executions"}, with every task but those that succeeded.
    `,
    examples: [
      ['The first run', '$0 run why simple 1'],
      ['For a program', '$0 run why simple 1 --output-format json'],
    ],
  });

  async execute(): Promise<void> {
    const { run, tasks } = await this.runWithTasks();
    const resource = { run, task_executions: tasksThatMatter(tasks) };
    await this.show(resource, (presentation) => renderWhy(run, tasks, presentation));
  }
}
