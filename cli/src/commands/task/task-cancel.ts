import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';

export class TaskCancel extends GoferCommand {
  static override paths = [
    ['task', 'cancel'],
    ['taskexecution', 'cancel'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Tasks',
    description: 'Cancel one task of a run',
    details: 'The task is asked to stop, and made to after --wait-for seconds. The run counts it as failed.',
    examples: [['Leave it five seconds', '$0 task cancel simple 1 hello --wait-for 5']],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });
  task = Option.String({ name: 'task' });
  waitFor = Option.String('-w,--wait-for', '15', { description: 'Seconds it has to end by itself (default 15)' });

  async execute(): Promise<void> {
    const client = await this.client();
    const run_id = readCount(this.run, 'a run', { minimum: 1 });
    const wait_for = readCount(this.waitFor, '--wait-for', { minimum: 0 });
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id, task_id: this.task };
    await client.call('cancel_task_execution', { path, query: { wait_for } });
    const { task_execution } = await client.call('get_task_execution', { path });
    await this.showDone(task_execution, `Cancelling task ${this.task} of run #${run_id} of ${this.id}`);
  }
}
