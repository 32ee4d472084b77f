import type { BodyOf, Extension, Parameter } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { askPairs, askParameters, checkTerminal, unanswered } from '../../extension/ask-settings.ts';
import { imageFor } from '../../extension/extension-image.ts';
import { lastWords } from '../../extension/last-words.ts';
import { REGISTRY_DETAILS, readRegistryAuth, registryPasswordOption, registryUserOption } from '../../extension/registry-options.ts';
import { configOption, readSettings, SETTINGS_DETAILS } from '../../extension/settings.ts';
import { ExtensionStartingCommand } from '../../extension/starting-command.ts';
import { readWait, waitForExtension, waitOption } from '../../extension/wait-for-extension.ts';
import { GoferCommand } from '../../gofer-command.ts';
import { toSafeLine } from '../../output/sanitise.ts';

const ANSWER_MILLISECONDS = 60_000;

export class ExtensionInstall extends ExtensionStartingCommand {
  static override paths = [['extension', 'install']];
  static override usage = GoferCommand.Usage({
    category: 'Extensions',
    description: 'Install an extension, and wait until it runs',
    details: `
      IMAGE may be left out for cron, interval, github, webhook and pipeline, which come with the server: builtin:NAME. One that does not run is installed all the same; the command says why, ends with 0, and the server starts it again and again.

      ${SETTINGS_DETAILS}

      --interactive asks for settings: for those that an installed extension of the same image documents, else for KEY=VALUE lines first, and for those that it documents once it runs.

      ${REGISTRY_DETAILS}
    `,
    examples: [
      ['One that comes with the server', '$0 extension install cron'],
      ['With a setting', '$0 extension install interval builtin:interval -c MIN_DURATION=1m'],
      ['Any image, without waiting for it', '$0 extension install mailer ghcr.io/example/mailer:1 -c SMTP_HOST=mail.example.com --wait 0'],
    ],
  });

  id = Option.String({ name: 'extension' });
  image = Option.String({ name: 'image', required: false });
  config = configOption();
  interactive = Option.Boolean('-i,--interactive', false, { description: 'Ask for settings, on a terminal' });
  roles = Option.Array('-a,--additional-roles', [], {
    description: 'A role that its token has beside its own; may be given several times',
  });
  registryUser = registryUserOption();
  registryPassword = registryPasswordOption();
  wait = waitOption();

  async execute(): Promise<void> {
    const image = imageFor(this.id, this.image);
    const wait = readWait(this.wait);
    if (this.interactive) checkTerminal(this.context, 'give settings by -c KEY=VALUE');
    const given = await readSettings(this.context, this.config, '--config');
    const registry_auth = await readRegistryAuth(this.context, { user: this.registryUser, passwordFile: this.registryPassword });
    const known = this.interactive ? await this.#documented(image) : undefined;
    const asked = this.interactive ? { ...given, ...(await this.#askBefore(known, given)) } : given;
    const request = {
      id: this.id,
      image,
      settings: asked,
      ...(registry_auth === undefined ? {} : { registry_auth }),
      ...(this.roles.length === 0 ? {} : { additional_roles: this.roles }),
    };
    const installed = await this.#install(request, wait);
    const extension = this.interactive && known === undefined ? await this.#askAfter(installed, asked, wait) : installed;
    await this.showStarted(`Installed extension ${toSafeLine(this.id)} (${toSafeLine(image)})`, extension);
  }

  async #install(body: BodyOf<'install_extension'>, wait: number): Promise<Extension> {
    if (wait > 0 && this.context.stderr.isTTY === true)
      await this.note(`Installing ${toSafeLine(body.image)}, and waiting ${wait} s at most until it runs…`);
    const client = await this.client();
    const silence = ANSWER_MILLISECONDS + wait * 1_000;
    return (await client.call('install_extension', { query: { wait }, body }, { silence })).extension;
  }

  /** What an image takes is known where another extension of it is installed. */
  async #documented(image: string): Promise<readonly Parameter[] | undefined> {
    const { extensions } = await (await this.client()).call('list_extensions', {});
    const same = extensions.filter(({ registration }) => registration.image === image);
    return same.map(({ documentation }) => documentation.config_params).find((parameters) => parameters.length > 0);
  }

  async #askBefore(known: readonly Parameter[] | undefined, given: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    if (known !== undefined) return await askParameters(this.context, unanswered(known, given));
    return await this.#askPairs('What it needs, as its documentation says; an empty line installs it.');
  }

  /** One that runs is asked for what it documents, one that does not for what its words say is missing. */
  async #askAfter(installed: Extension, given: Readonly<Record<string, string>>, seconds: number): Promise<Extension> {
    const answers = { ...given };
    for (let extension = installed; ; ) {
      const { config_params } = extension.documentation;
      const isDocumented = config_params.length > 0;
      const more = isDocumented
        ? await askParameters(this.context, unanswered(config_params, answers))
        : await this.#askForMissing(extension);
      if (Object.keys(more).length === 0) return extension;
      const client = await this.client();
      await client.call('update_extension', { path: { extension_id: this.id }, body: { settings: more } });
      Object.assign(answers, more);
      extension = await waitForExtension(client, this.id, { seconds, now: this.context.now });
      if (isDocumented) return extension;
    }
  }

  async #askForMissing({ state, last_error, state_reason }: Extension): Promise<Record<string, string>> {
    if (state === 'running') return {};
    const said = await lastWords(await this.client(), this.id);
    const why = toSafeLine([last_error?.message ?? state_reason ?? 'it says nothing', ...said].join('; '));
    return await this.#askPairs(`It does not run: ${why}\nSettings to change; an empty line leaves it as it is.`);
  }

  async #askPairs(introduction: string): Promise<Record<string, string>> {
    return await readSettings(this.context, await askPairs(this.context, introduction), 'KEY=VALUE');
  }
}
