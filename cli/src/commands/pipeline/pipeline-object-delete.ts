import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { checkObjectKey } from '../../objects/object-key.ts';
import { findObject, pipelineShelf } from '../../objects/shelf.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class PipelineObjectDelete extends GoferCommand {
  static override paths = [['pipeline', 'object', 'delete']];
  static override usage = GoferCommand.Usage({
    category: 'Objects',
    description: 'Delete an object of a pipeline',
    examples: [['It need not be there', '$0 pipeline object delete simple greeting']],
  });

  id = Option.String({ name: 'pipeline' });
  key = Option.String({ name: 'key' });

  async execute(): Promise<void> {
    checkObjectKey(this.key);
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    const shelf = pipelineShelf(await this.client(), path);
    await this.assertThere(() => findObject(shelf, this.key, `pipeline '${this.id}'`));
    await shelf.delete(this.key);
    await this.showDone({ ...path, key: this.key, deleted: true }, `Successfully removed object '${toSafeLine(this.key)}'`);
  }
}
