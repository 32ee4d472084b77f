import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';

export class RunCancel extends GoferCommand {
  static override paths = [['run', 'cancel']];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: 'Cancel a run: stop its tasks and start no more of them',
    examples: [['The first run', '$0 run cancel simple 1']],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });

  async execute(): Promise<void> {
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id: readCount(this.run, 'a run', { minimum: 1 }) };
    await client.call('cancel_run', { path });
    const { run } = await client.call('get_run', { path });
    const ended = run.state === 'complete' && run.status !== 'cancelled';
    const message = ended
      ? `Run #${run.run_id} of ${this.id} had ended already: ${run.status}`
      : `Cancelling run #${run.run_id} of ${this.id}`;
    await this.showDone(
      run,
      message,
      ended ? [] : [['See how it stands', `gofer run get ${this.id} ${run.run_id}${await this.inNamespace()}`]],
    );
  }
}
