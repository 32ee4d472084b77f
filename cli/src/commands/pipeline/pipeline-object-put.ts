import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { forceOption, PUT_DETAILS } from '../../objects/object-options.ts';
import { putObject } from '../../objects/put-object.ts';
import { readPutWords } from '../../objects/put-words.ts';
import { pipelineShelf } from '../../objects/shelf.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class PipelineObjectPut extends GoferCommand {
  static override paths = [['pipeline', 'object', 'put']];
  static override usage = GoferCommand.Usage({
    category: 'Objects',
    description: 'Put an object of a pipeline: KEY=VALUE, KEY PATH or KEY @',
    details: `${PUT_DETAILS} Above the server's limit for each pipeline the oldest object is removed.`,
    examples: [
      ['A value', '$0 pipeline object put simple greeting=hello'],
      ['A file', '$0 pipeline object put simple cache.tar ./cache.tar --force'],
      ['Standard input', '$0 pipeline object put simple notes @ < notes.txt'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  key = Option.String({ name: 'key', required: false });
  content = Option.String({ name: 'path|@|key=value' });
  force = forceOption();

  async execute(): Promise<void> {
    const words = [this.key, this.content].filter((word) => word !== undefined);
    const { key, content } = readPutWords(words, `gofer pipeline object put ${this.id}`);
    const shelf = pipelineShelf(await this.client(), { namespace_id: await this.namespaceId(), pipeline_id: this.id });
    const object = await putObject(this.context, shelf, { key, content, force: this.force });
    await this.showDone(object, `Successfully uploaded object '${toSafeLine(key)}'`);
  }
}
