import { ERROR_TABLE } from '@gofer/contracts';
import { Option } from 'clipanion';
import { followRun } from '../../follow/follow-run.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { RunCommand } from './run-command.ts';

export class RunLogs extends RunCommand {
  static override paths = [['run', 'logs']];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: 'Show the logs of all tasks of a run together, until the run ends',
    details: `
      Each line begins with its task. Works the same for a run that is going on and for one that has ended. The exit code is 0 if the run was successful and ${ERROR_TABLE.RUN_FAILED.exit} if not; --no-follow shows what is there and ends with 0.

      What the tasks wrote stays as it is, but control sequences other than colours are left out, as they would disturb the lines of the other tasks; gofer task logs --raw has every byte.

      JSON is one object a line: {"task_id", "stream", "time", "text"}, and at last {"run", "task_executions"}.
    `,
    examples: [
      ['The first run', '$0 run logs simple 1'],
      ['What is there by now', '$0 run logs simple 1 --no-follow'],
      ['For a program', '$0 run logs simple 1 --output-format json'],
    ],
  });

  follow = Option.Boolean('-f,--follow', true, { description: 'Wait for the end of the run (the default; --no-follow does not)' });

  async execute(): Promise<number> {
    const client = await this.client();
    const path = await this.runPath();
    const { run } = await client.call('get_run', { path });
    return await followRun(this.context, run, { follow: this.follow });
  }
}
