import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { chooseRun } from '../../objects/choose-run.ts';
import { CHOICE_DETAILS, forceOption, PUT_DETAILS } from '../../objects/object-options.ts';
import { putObject } from '../../objects/put-object.ts';
import { readRunPutWords } from '../../objects/put-words.ts';
import { runShelf } from '../../objects/shelf.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class RunObjectPut extends GoferCommand {
  static override paths = [['run', 'object', 'put']];
  static override usage = GoferCommand.Usage({
    category: 'Objects',
    description: 'Put an object of a run: [RUN] KEY=VALUE, [RUN] KEY PATH or [RUN] KEY @',
    details: `${CHOICE_DETAILS}\n\n${PUT_DETAILS}`,
    examples: [
      ['A value, of the newest run', '$0 run object put simple greeting=hello'],
      ['A file, of the first run', '$0 run object put simple 1 report.tar ./report.tar --force'],
      ['Standard input', '$0 run object put simple 1 notes @ < notes.txt'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run', required: false });
  key = Option.String({ name: 'key', required: false });
  content = Option.String({ name: 'path|@|key=value' });
  force = forceOption();

  async execute(): Promise<void> {
    const words = [this.run, this.key, this.content].filter((word) => word !== undefined);
    const { run, key, content } = readRunPutWords(words, `gofer run object put ${this.id}`);
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    const { run_id, named } = await chooseRun(this.context, path, run);
    const shelf = runShelf(await this.client(), { ...path, run_id });
    const object = await putObject(this.context, shelf, { key, content, force: this.force });
    const where = named === undefined ? '' : ` of ${named}`;
    await this.showDone({ run_id, ...object }, `Successfully uploaded object '${toSafeLine(key)}'${where}`);
  }
}
