import { type CliSettings, loadSettings } from '../../cli-settings.ts';
import { GoferCommand } from '../../gofer-command.ts';

/** A command that works on a server's files: its `--config` names the server's configuration, and the command's own is the usual one. */
export abstract class OperationCommand extends GoferCommand {
  protected override settings(): Promise<CliSettings> {
    const { config: _ofTheServer, ...flags } = this.context.flags;
    return loadSettings(flags, this.context);
  }
}
