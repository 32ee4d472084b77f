import { ERROR_TABLE, GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { StartingCommand } from './starting-command.ts';

export class RunRetry extends StartingCommand {
  static override paths = [['run', 'retry']];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: 'Repeat a run that has ended, as a new run',
    details: `
      The new run has the variables of the earlier one and says which one it repeats. It gets the earlier one's version of the pipeline; --version live takes the one that is deployed now, and a number takes that one.

      With --from-failed the tasks that were successful are not run again, unless something that they depend on is: their results, and the objects of the run, are taken over. Their logs stay in the run that has run them.

      With --follow the exit code is 0 if the new run was successful and ${ERROR_TABLE.RUN_FAILED.exit} if not.
    `,
    examples: [
      ['All of it', '$0 run retry simple 1'],
      ['What failed, and what depends on that', '$0 run retry simple 2 --from-failed'],
      ['As the pipeline is now, and watch', '$0 run retry simple 1 --version live --follow'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run' });
  fromFailed = Option.Boolean('--from-failed', false, { description: 'Take over what was successful instead of repeating it' });
  version = Option.String('--version', 'same', { description: 'The version of the pipeline: same (the default), live, or its number' });

  async execute(): Promise<number> {
    const client = await this.client();
    const earlier = readCount(this.run, 'a run', { minimum: 1 });
    const { run } = await client.call('retry_run', {
      path: { namespace_id: await this.namespaceId(), pipeline_id: this.id, run_id: earlier },
      body: { from_failed: this.fromFailed, version: readVersion(this.version) },
    });
    const what = this.fromFailed ? 'repeats what failed in' : 'repeats';
    return await this.showStarted(
      run,
      `Started run #${run.run_id} of ${this.id} (v${run.pipeline_config_version}), which ${what} run #${earlier}`,
    );
  }
}

function readVersion(text: string): 'same' | 'live' | number {
  if (text === 'same' || text === 'live') return text;
  const version = /^\d{1,15}$/u.test(text) ? Number(text) : 0;
  if (version > 0) return version;
  throw new GoferError('INVALID_ARGUMENT', `--version is same, live, or the number of a version from 1; not "${text}"`);
}
