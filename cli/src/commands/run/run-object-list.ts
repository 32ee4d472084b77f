import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { chooseRun } from '../../objects/choose-run.ts';
import { CHOICE_DETAILS } from '../../objects/object-options.ts';
import { runShelf } from '../../objects/shelf.ts';
import { renderObjects } from '../../output/object-views.ts';

export class RunObjectList extends GoferCommand {
  static override paths = [['run', 'object', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Objects',
    description: "List a run's objects, oldest first",
    details: CHOICE_DETAILS,
    examples: [
      ['Of the first run', '$0 run object list simple 1'],
      ['Of the newest one', '$0 run object list simple'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  run = Option.String({ name: 'run', required: false });

  async execute(): Promise<void> {
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    const { run_id, named } = await chooseRun(this.context, path, this.run);
    const objects = await runShelf(await this.client(), { ...path, run_id }).list();
    if (named !== undefined) await this.note(this.context.errorColours.dim(`Objects of ${named}:`));
    await this.show(objects, (presentation) => renderObjects(objects, presentation));
  }
}
