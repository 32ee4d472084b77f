import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { chooseRun } from '../../objects/choose-run.ts';
import { saveObject, showObject } from '../../objects/get-object.ts';
import { CHOICE_DETAILS, GET_DETAILS, outputOption, replaceFileOption, stringifyOption } from '../../objects/object-options.ts';
import { readRunKeyWords } from '../../objects/put-words.ts';
import { runShelf } from '../../objects/shelf.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class RunObjectGet extends GoferCommand {
  static override paths = [['run', 'object', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Objects',
    description: 'Get an object of a run',
    details: `${CHOICE_DETAILS}\n\n${GET_DETAILS}`,
    examples: [
      ['Of the first run, as text', '$0 run object get simple 1 greeting --stringify'],
      ['Of the newest run', '$0 run object get simple greeting'],
      ['Into a file', '$0 run object get simple 1 report.tar --output report.tar'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run', required: false });
  key = Option.String({ name: 'key' });
  stringify = stringifyOption();
  output = outputOption();
  force = replaceFileOption();

  async execute(): Promise<void> {
    const { output, force, stringify } = this;
    const { run, key } = readRunKeyWords({ run: this.run, key: this.key }, `gofer run object get ${this.id}`);
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    const { run_id, named } = await chooseRun(this.context, path, run);
    const shelf = runShelf(await this.client(), { ...path, run_id });
    if (named !== undefined) await this.note(this.context.errorColours.dim(`Object of ${named}:`));
    if (output === undefined) return await showObject(this.context, shelf, key, { stringify });
    const saved = await saveObject(this.context, shelf, key, { output, force });
    await this.showDone({ run_id, key, ...saved }, `Wrote object '${toSafeLine(key)}' to ${saved.path}`);
  }
}
