import { resolve } from 'node:path';
import { GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import { writeExtension } from '../../extension-template/write-extension.ts';
import { GoferCommand } from '../../gofer-command.ts';

export class ExtensionNew extends GoferCommand {
  static override paths = [['extension', 'new']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'Write the beginning of an extension of your own',
    details:
      'Makes a folder of that name with an extension in TypeScript that works: its tests, its Dockerfile, and the SDK beside it. Nothing has to be installed to test it. A folder that is there and not empty is left alone.',
    examples: [['In the folder tides', '$0 extension new tides']],
  });

  name = Option.String({ name: 'name' });

  async execute(): Promise<void> {
    if (!/^[a-zA-Z0-9-]{3,32}$/u.test(this.name) || this.name.startsWith('-'))
      throw new GoferError(
        'INVALID_ARGUMENT',
        `"${this.name}" cannot be the name of an extension: use 3 to 32 letters, digits and hyphens, and no hyphen first`,
      );
    const path = resolve(this.context.workingDirectory, this.name);
    await writeExtension(path, this.name);
    const image = `${this.name.toLowerCase()}:dev`;
    await this.showDone({ path }, `Wrote ${path}`, [
      ['Test it', `cd ${this.name} && npm test`],
      ['Make an image of it', `docker build -t ${image} ${this.name}`],
      ['Install it', `gofer extension install ${this.name} ${image}`],
    ]);
  }
}
