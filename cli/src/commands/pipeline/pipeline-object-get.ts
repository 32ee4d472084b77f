import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { saveObject, showObject } from '../../objects/get-object.ts';
import { checkObjectKey } from '../../objects/object-key.ts';
import { GET_DETAILS, outputOption, replaceFileOption, stringifyOption } from '../../objects/object-options.ts';
import { pipelineShelf } from '../../objects/shelf.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class PipelineObjectGet extends GoferCommand {
  static override paths = [['pipeline', 'object', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Objects',
    description: 'Get an object of a pipeline',
    details: GET_DETAILS,
    examples: [
      ['As text', '$0 pipeline object get simple greeting --stringify'],
      ['Into a file', '$0 pipeline object get simple cache.tar --output cache.tar'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  key = Option.String({ name: 'key' });
  stringify = stringifyOption();
  output = outputOption();
  force = replaceFileOption();

  async execute(): Promise<void> {
    const { key, output, force, stringify } = this;
    checkObjectKey(key);
    const shelf = pipelineShelf(await this.client(), { namespace_id: await this.namespaceId(), pipeline_id: this.id });
    if (output === undefined) return await showObject(this.context, shelf, key, { stringify });
    const saved = await saveObject(this.context, shelf, key, { output, force });
    await this.showDone({ key, ...saved }, `Wrote object '${toSafeLine(key)}' to ${saved.path}`);
  }
}
