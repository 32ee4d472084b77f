import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { chooseRun } from '../../objects/choose-run.ts';
import { CHOICE_DETAILS } from '../../objects/object-options.ts';
import { readRunKeyWords } from '../../objects/put-words.ts';
import { findObject, runShelf } from '../../objects/shelf.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class RunObjectDelete extends GoferCommand {
  static override paths = [['run', 'object', 'delete']];
  static override usage = GoferCommand.Usage({
    category: 'Objects',
    description: 'Delete an object of a run',
    details: CHOICE_DETAILS,
    examples: [['It need not be there', '$0 run object delete simple 1 greeting']],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run', required: false });
  key = Option.String({ name: 'key' });

  async execute(): Promise<void> {
    const { run, key } = readRunKeyWords({ run: this.run, key: this.key }, `gofer run object delete ${this.id}`);
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    const { run_id, named } = await chooseRun(this.context, path, run);
    const shelf = runShelf(await this.client(), { ...path, run_id });
    await this.assertThere(() => findObject(shelf, key, `run #${run_id} of pipeline '${this.id}'`));
    await shelf.delete(key);
    const where = named === undefined ? '' : ` of ${named}`;
    await this.showDone({ ...path, run_id, key, deleted: true }, `Successfully removed object '${toSafeLine(key)}'${where}`);
  }
}
