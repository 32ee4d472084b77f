import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { pipelineShelf } from '../../objects/shelf.ts';
import { renderObjects } from '../../output/object-views.ts';

export class PipelineObjectList extends GoferCommand {
  static override paths = [['pipeline', 'object', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Objects',
    description: "List a pipeline's objects, oldest first",
    examples: [['What the pipeline keeps', '$0 pipeline object list simple']],
  });

  id = Option.String({ name: 'pipeline' });

  async execute(): Promise<void> {
    const shelf = pipelineShelf(await this.client(), { namespace_id: await this.namespaceId(), pipeline_id: this.id });
    const objects = await shelf.list();
    await this.show(objects, (presentation) => renderObjects(objects, presentation));
  }
}
