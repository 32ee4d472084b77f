import { Option } from 'clipanion';
import { GoferCommand, readCount, readGrace } from '../../gofer-command.ts';
import { describeCancelled } from '../../output/cancel-words.ts';

export class TaskCancel extends GoferCommand {
  static override paths = [
    ['task', 'cancel'],
    ['taskexecution', 'cancel'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tasks',
    description: 'Cancel one task of a run',
    details:
      'The task is asked to stop, and made to after --wait-for. The run counts it as failed. To cancel again is harmless: the first one counts, and a later one can only shorten the time.',
    examples: [['Leave it five seconds', '$0 task cancel simple 1 hello --wait-for 5']],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });
  task = Option.String({ name: 'task' });
  waitFor = Option.String('-w,--wait-for', '15', {
    description: 'Seconds, or a time such as 2m, that it has to end by itself (default 15)',
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const run_id = readCount(this.run, 'a run', { minimum: 1 });
    const wait_for = readGrace(this.waitFor);
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id, task_id: this.task };
    const { task_execution: before } = await client.call('get_task_execution', { path });
    await client.call('cancel_task_execution', { path, query: { wait_for } });
    const { task_execution: task } = await client.call('get_task_execution', { path });
    const name = `task ${this.task} of run #${run_id} of ${this.id}`;
    await this.showDone(task, describeCancelled(name, before, task, await this.presentation()));
  }
}
