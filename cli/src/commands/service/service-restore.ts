import { resolve } from 'node:path';
import { Option } from 'clipanion';
import { loadOperation, readKeyFile } from './load-operation.ts';
import { OperationCommand } from './operation-command.ts';

export class ServiceRestore extends OperationCommand {
  static override paths = [['service', 'restore']];
  static override usage = OperationCommand.Usage({
    category: 'Server',
    description: 'Restore a backup into the places that the configuration names; the server must be stopped',
    details:
      'Everything is verified first. Without --new-instance it is the same server again: the one that was backed up must not run any more, since both would look after the same containers. With it the restored server is another one, and runs that had not ended have failed. The stores may be other engines than those of the backup.',
    examples: [['Into a place that is empty', '$0 service restore backup-of-today --config gofer_web.toml']],
  });

  directory = Option.String({ name: 'DIRECTORY' });
  keyFile = Option.String('--key-file', { description: 'A file with the key that the backup was made with' });
  force = Option.Boolean('--force', false, { description: 'Move aside the database and the logs that are there' });
  newInstance = Option.Boolean('--new-instance', false, { description: 'The server of the backup goes on: this is another one' });
  set = Option.Array('--set', [], { description: 'A key of the configuration, as SECTION.KEY=VALUE; may be given several times' });

  async execute(): Promise<void> {
    await this.settings(); // A fault in them is told of before anything is done.
    const options = await loadOperation(this.context, this.set);
    const { restore } = await import('@gofer/kernel');
    const key = await readKeyFile(this.context, this.keyFile);
    const { force, newInstance } = this;
    const umask = this.context.setUmask(0o077);
    try {
      const report = await restore({ ...options, key, force, newInstance }, resolve(this.context.workingDirectory, this.directory));
      const { manifest, ...rest } = report;
      const moved = report.moved.map((path) => `; what was there is at ${path}`).join('');
      await this.showDone(
        { ...rest, files: manifest.files.length, created: manifest.created },
        `Restored ${manifest.files.length} files of ${new Date(manifest.created).toISOString()}${moved}`,
        [['Start the server', 'gofer service start']],
      );
    } finally {
      this.context.setUmask(umask);
    }
  }
}
