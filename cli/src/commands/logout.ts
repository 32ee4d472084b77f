import { editToml } from '@gofer/config';
import { GoferCommand } from '../gofer-command.ts';
import { changeConfigFile } from '../identity/change-config-file.ts';
import { describeChange, isEnvironment } from '../identity/token-file.ts';
import { untilCancelled } from '../until-cancelled.ts';

export class Logout extends GoferCommand {
  static override paths = [['logout']];
  static override usage = GoferCommand.Usage({
    category: 'Main',
    description: 'Take the token out of the configuration file',
    details:
      'The rest of the file stays as it is. The server accepts the token as before: gofer token disable, with another token, changes that.',
    examples: [['On a machine that is no longer yours', '$0 logout']],
  });

  async execute(): Promise<void> {
    const { context } = this;
    const settings = await context.settings();
    const { source } = settings;
    // Only a file that has a token is touched.
    const remove = (text: string) => {
      const without = editToml(text, { token: undefined });
      return without === text ? undefined : without;
    };
    const changed = source === undefined ? undefined : await untilCancelled(context, () => changeConfigFile(source, remove));
    const message =
      changed !== undefined
        ? `Took the token out of ${describeChange(changed)}`
        : source === undefined
          ? 'There is no configuration file, and so no token in one'
          : `There is no token in ${source}`;
    await this.showDone({ removed: changed !== undefined, config_file: changed?.path ?? source ?? null }, message);
    if (isEnvironment(settings)) await this.note(`! ${settings.tokenSource} is set here, and its token goes on to be used`);
  }
}
