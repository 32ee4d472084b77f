import { resolve } from 'node:path';
import { GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import { loadOperation, readKeyFile } from './load-operation.ts';
import { OperationCommand } from './operation-command.ts';

export class ServiceBackup extends OperationCommand {
  static override paths = [['service', 'backup']];
  static override usage = OperationCommand.Usage({
    category: 'Server',
    description: 'Back up the database, objects, secrets and logs of a server on this machine, running or not',
    details:
      'To be called by the user of the server, with its configuration. A server that runs goes on and notices nothing; the backup is of one moment. Values of secrets are sealed with the encryption_key of the configured secret store, or with that of --key-file: it is not in the backup, so keep a copy elsewhere. A directory without manifest.json is no complete backup.',
    examples: [['With the configuration of the server', '$0 service backup backup-of-today --config gofer_web.toml']],
  });

  directory = Option.String({ name: 'DIRECTORY' });
  keyFile = Option.String('--key-file', { description: 'A file with the key of the backup, 32 characters or more' });
  set = Option.Array('--set', [], { description: 'A key of the configuration, as SECTION.KEY=VALUE; may be given several times' });

  async execute(): Promise<void> {
    const directory = resolve(this.context.workingDirectory, this.directory);
    await this.settings(); // A fault in them is told of before anything is done.
    const options = await loadOperation(this.context, this.set);
    const { backUp } = await import('@gofer/kernel');
    const umask = this.context.setUmask(0o077);
    try {
      const manifest = await backUp(options, directory, await readKeyFile(this.context, this.keyFile));
      const { files, ...summary } = manifest;
      const bytes = files.reduce((sum, { size }) => sum + size, 0);
      await this.showDone(
        { ...summary, directory, files: files.length, bytes },
        `Backed up ${files.length} files (${bytes} bytes) to ${directory}`,
      );
      if (manifest.missing.length > 0)
        throw new GoferError(
          'DATA_LOSS',
          `The backup is as complete as the server: ${manifest.missing.length} things were lost before, such as ${manifest.missing[0]}.`,
        );
    } finally {
      this.context.setUmask(umask);
    }
  }
}
