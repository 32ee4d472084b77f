import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { sampleServerConfig } from '@gofer/config';
import { GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import { builtInPluginSchemas } from '../../built-in-plugin-schemas.ts';
import { GoferCommand } from '../../gofer-command.ts';

export class ServiceInitConfig extends GoferCommand {
  static override paths = [['service', 'init-config']];
  static override usage = GoferCommand.Usage({
    category: 'Server',
    description: "Print a commented sample of the server's configuration",
    details:
      'The sample has an encryption key of its own, made at random: keep the file secret. With --output it is written to a file that only you can read; a file that is there is left alone.',
    examples: [
      ['Look at every key', '$0 service init-config'],
      ['Into a file', '$0 service init-config --output gofer_web.toml'],
    ],
  });

  output = Option.String('-o,--output', { description: 'Write it to this file' });

  async execute(): Promise<void> {
    const sample = sampleServerConfig({ encryptionKey: randomBytes(16).toString('hex'), pluginSchemas: builtInPluginSchemas });
    if (this.output === undefined) return await this.show({ sample }, () => sample);
    const path = resolve(this.context.workingDirectory, this.output);
    try {
      await writeFile(path, sample, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (code === 'EEXIST')
        throw new GoferError('ALREADY_EXISTS', `${path} is there already and was left as it is: remove it, or name another file`, {
          cause: error,
        });
      throw new GoferError('INVALID_ARGUMENT', `${path} cannot be written (${code}): name a file in a folder that you may write to`, {
        cause: error,
      });
    }
    await this.showDone({ path }, `Wrote ${path}`, [['Start the server with it', `gofer service start --config ${this.output}`]]);
  }
}
