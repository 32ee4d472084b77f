import { GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import type { GoferClient } from '../../api/gofer-client.ts';
import { REGISTRY_DETAILS, readRegistryAuth, registryPasswordOption, registryUserOption } from '../../extension/registry-options.ts';
import { configOption, readSettings, SETTINGS_DETAILS } from '../../extension/settings.ts';
import { ExtensionStartingCommand } from '../../extension/starting-command.ts';
import { readWait, waitForExtension, waitOption } from '../../extension/wait-for-extension.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { toSafeLine } from '../../output/sanitise.ts';

export class ExtensionUpgrade extends ExtensionStartingCommand {
  static override paths = [['extension', 'upgrade']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: "Change an extension's image or settings, and start it anew",
    details: `
      What is not given stays as it is; its subscriptions and objects stay too. While it is started anew, events from outside wait for it.

      ${SETTINGS_DETAILS}

      ${REGISTRY_DETAILS}
    `,
    examples: [
      ['Another setting', '$0 extension upgrade interval -c MIN_DURATION=2m'],
      ['Back to what it is by itself', '$0 extension upgrade interval --unset MIN_DURATION'],
    ],
  });

  id = Option.String({ name: 'extension' });
  image = Option.String({ name: 'image', required: false });
  config = configOption();
  unset = Option.Array('--unset', [], { description: 'A setting to remove; may be given several times' });
  registryUser = registryUserOption();
  registryPassword = registryPasswordOption();
  wait = waitOption();

  async execute(): Promise<void> {
    const seconds = readWait(this.wait);
    const given = await readSettings(this.context, this.config, '--config');
    const both = this.unset.find((key) => Object.hasOwn(given, key));
    if (both !== undefined) throw new GoferError('INVALID_ARGUMENT', `${both} is set by --config and removed by --unset: give one of them`);
    const registry_auth = await readRegistryAuth(this.context, { user: this.registryUser, passwordFile: this.registryPassword });
    const settings: Record<string, string | null> = { ...given, ...Object.fromEntries(this.unset.map((key) => [key, null])) };
    const change = {
      ...(this.image === undefined ? {} : { image: this.image }),
      ...(Object.keys(settings).length === 0 ? {} : { settings }),
      ...(registry_auth === undefined ? {} : { registry_auth }),
    };
    if (Object.keys(change).length === 0) {
      throw new GoferError('INVALID_ARGUMENT', `nothing to change: give an image, -c KEY=VALUE, --unset KEY or --registry-user`);
    }
    const client = await this.client();
    const absent = await this.#absent(client);
    await client.call('update_extension', { path: { extension_id: this.id }, body: change });
    const extension = await waitForExtension(client, this.id, { seconds, now: this.context.now });
    const done = `Changed extension ${toSafeLine(this.id)} (${toSafeLine(extension.registration.image)})`;
    await this.showStarted(done, extension);
    if (absent.length > 0)
      await this.note(
        `${this.context.errorColours.yellow('!')} ${absent.map(toSafeLine).join(', ')} was not set: there was nothing to remove`,
      );
  }

  /** Those of --unset that are not set. */
  async #absent(client: GoferClient): Promise<string[]> {
    if (this.unset.length === 0) return [];
    const { extension } = await client.call('get_extension', { path: { extension_id: this.id } });
    const set = new Set(extension.registration.settings.map(({ key }) => key));
    return this.unset.filter((key) => !set.has(key));
  }
}
