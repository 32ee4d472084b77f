import { ERROR_TABLE } from '@gofer/contracts';
import { Option } from 'clipanion';
import { GoferCommand, variablesOption } from '../../gofer-command.ts';
import { readVariables, readVariablesFile } from '../../read-variables.ts';
import { StartingCommand } from './starting-command.ts';

export class RunStart extends StartingCommand {
  static override paths = [
    ['run', 'start'],
    ['pipeline', 'run'],
  ];
  static override usage = GoferCommand.Usage({
    category: 'Runs',
    description: 'Start a run of a pipeline',
    details: `
      With --follow the logs of all tasks are shown as they are written, until the run ends; the exit code is then 0 if it was successful and ${ERROR_TABLE.RUN_FAILED.exit} if not. Ctrl-C stops the showing, not the run.

      A file of variables has lines of KEY=VALUE as in dotenv files, or is a JSON object of strings; what --variable gives beats it.

      A request that is repeated with the same --idempotency-key answers with the run of the first one.
    `,
    examples: [
      ['Start it and go on', '$0 run start simple'],
      ['Start it and watch', '$0 run start simple --follow'],
      ['With variables', '$0 run start simple -v COMMIT=4f1c2d -v TARGET=staging'],
      ['With the variables of a file', '$0 run start simple --variables-file staging.env -v COMMIT=4f1c2d'],
      ['At most once, however often a script is repeated', '$0 pipeline run simple --idempotency-key nightly-2026-11-23'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  variables = variablesOption();
  variablesFiles = Option.Array('--variables-file', [], {
    description:
      'Variables for the run from this file; - or @ is standard input; may be given several times: the last one that has a key gives its value',
  });
  idempotencyKey = Option.String('--idempotency-key', { description: 'The same key never starts a second run' });

  async execute(): Promise<number> {
    const variables = readVariables(this.variables);
    for (const file of this.variablesFiles.toReversed()) Object.assign(variables, await readVariablesFile(this.context, file, variables));
    const client = await this.client();
    const { run } = await client.call('start_run', {
      path: { namespace_id: await this.namespaceId(), pipeline_id: this.id },
      body: { variables },
      headers: { 'idempotency-key': this.idempotencyKey },
    });
    return await this.showStarted(run, `Started run #${run.run_id} of ${this.id}`);
  }
}
