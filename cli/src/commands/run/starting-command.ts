import type { Run } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { followRun } from '../../follow/follow-run.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { toSafeLine } from '../../output/sanitise.ts';

/** A command that has the server start a run, and may show that run until it ends. */
export abstract class StartingCommand extends GoferCommand {
  follow = Option.Boolean('-f,--follow', false, { description: 'Show the logs of all tasks until the run ends' });

  /** `message` says what was started; resolves with the exit code. */
  protected async showStarted(run: Run, message: string): Promise<number> {
    if (this.follow) {
      const waiting = run.waiting_reason === undefined ? '' : ` (${toSafeLine(run.waiting_reason)})`;
      await this.note(`${this.context.errorColours.green('✓')} ${message}${waiting}`);
      return await followRun(this.context, run);
    }
    const where = `${run.pipeline_id} ${run.run_id}${await this.inNamespace()}`;
    await this.showDone(run, message, [
      ['Watch it', `gofer run logs ${where}`],
      ['See how it stands', `gofer run get ${where}`],
    ]);
    return 0;
  }
}
