import { GoferError } from '@gofer/contracts';
import type { Run } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { GoferCommand, readCount, readGrace } from '../../gofer-command.ts';
import { describeCancelled } from '../../output/cancel-words.ts';

export class RunCancel extends GoferCommand {
  static override paths = [['run', 'cancel']];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: 'Cancel a run: stop its tasks and start no more of them',
    details: `
      Tasks that run are asked to stop (SIGTERM), and made to (SIGKILL) after --wait-for. Tasks that are marked \`always\`, such as a clean-up, run all the same; --force ends those too, and everything at once.

      To cancel again is harmless: the first one counts, and a later one can only shorten the time or add the force. A run that has ended stays as it is.
    `,
    examples: [
      ['The first run', '$0 run cancel simple 1'],
      ['Leave its tasks a minute to end', '$0 run cancel simple 1 --wait-for 1m'],
      ['At once, clean-up tasks too', '$0 run cancel simple 1 --force'],
      ['All runs of the pipeline that have not ended', '$0 run cancel simple --all'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run', required: false });
  all = Option.Boolean('--all', false, { description: 'All runs of the pipeline that have not ended, queued ones too' });
  force = Option.Boolean('--force', false, { description: 'End everything at once, tasks that are marked `always` too' });
  waitFor = Option.String('-w,--wait-for', {
    description: "Seconds, or a time such as 2m, that tasks have to end by themselves (default: the server's setting)",
  });

  async execute(): Promise<void> {
    if ((this.run === undefined) !== this.all) {
      const fault = this.all ? 'there is no place for the number of a run beside --all' : 'which run? Give its number, or --all';
      throw new GoferError('INVALID_ARGUMENT', fault);
    }
    const query = { force: this.force, ...(this.waitFor === undefined ? {} : { wait_for: readGrace(this.waitFor) }) };
    if (this.run === undefined) return await this.#cancelAll(query);
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id: readCount(this.run, 'a run', { minimum: 1 }) };
    const { run: before } = await client.call('get_run', { path });
    await client.call('cancel_run', { path, query });
    const { run } = await client.call('get_run', { path });
    await this.#showOne(before, run);
  }

  async #showOne(before: Run, run: Run): Promise<void> {
    const name = `run #${run.run_id} of ${this.id}`;
    const told = describeCancelled(name, before, run, await this.presentation());
    const isHarder = this.force && before.cancellation !== undefined && run.state !== 'complete';
    const message = isHarder ? `${told}; from now on by force` : told;
    const where = `${this.id} ${run.run_id}${await this.inNamespace()}`;
    await this.showDone(run, message, run.state === 'complete' ? [] : [['See what it waits for', `gofer run why ${where}`]]);
  }

  async #cancelAll(query: { force: boolean; wait_for?: number }): Promise<void> {
    const client = await this.client();
    const answer = await client.call('cancel_runs', { path: { namespace_id: await this.namespaceId(), pipeline_id: this.id }, query });
    const { run_ids: ids } = answer;
    const named = ids.map((id) => `#${id}`).join(', ');
    const message =
      ids.length === 0
        ? `No run of ${this.id} was left to cancel`
        : `Cancelling ${ids.length === 1 ? 'run' : 'runs'} ${named} of ${this.id}`;
    await this.showDone(answer, message);
  }
}
