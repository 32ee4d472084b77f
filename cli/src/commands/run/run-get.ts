import { GoferCommand } from '../../gofer-command.ts';
import { renderRun } from '../../output/run-views.ts';
import { RunCommand } from './run-command.ts';

export class RunGet extends RunCommand {
  static override paths = [['run', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: 'Show a run and its tasks, and what it is waiting for',
    examples: [['The first run', '$0 run get simple 1']],
  });

  async execute(): Promise<void> {
    const { run, tasks } = await this.runWithTasks();
    await this.show(run, (presentation) => renderRun(run, tasks, presentation));
  }
}
