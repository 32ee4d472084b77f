import { editToml } from '@gofer/config';
import { GoferError, isGoferError } from '@gofer/contracts';
import type { Token } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { type CliSettings, loadSettings } from '../cli-settings.ts';
import { createClient } from '../create-client.ts';
import { GoferCommand } from '../gofer-command.ts';
import { isBypassed } from '../identity/bypassed.ts';
import { changeConfigFile } from '../identity/change-config-file.ts';
import { readToken } from '../identity/read-token.ts';
import { describeChange, isEnvironment } from '../identity/token-file.ts';
import { toSafeLine } from '../output/sanitise.ts';
import { describeRoles } from '../output/token-views.ts';
import { untilCancelled } from '../until-cancelled.ts';

export class Login extends GoferCommand {
  static override paths = [['login']];
  static override usage = GoferCommand.Usage({
    category: 'Main',
    description: 'Check a token with the server and keep it for the commands that follow',
    details: `The token is asked for, and nothing of it is shown. It is never taken as an argument, which others on this machine could see.

Once the server accepts it, it is written to the configuration file: that of --config, else $HOME/.gofer.toml if it is there, else $HOME/.config/gofer.toml. The rest of the file stays as it is, and nobody but you can read it afterwards. The address of the server is written too where --api-base-url or --host gives it, and so is the file of --ca-cert. gofer logout takes the token out again.`,
    examples: [
      ['By a question', '$0 login'],
      ['From a file, to a server of its own', '$0 login --token-stdin < token.txt'],
    ],
  });

  tokenStdin = Option.Boolean('--token-stdin', false, { description: 'Take the token from standard input' });

  async execute(): Promise<void> {
    const { context } = this;
    const { flags } = context;
    if (flags.token !== undefined)
      throw new GoferError(
        'INVALID_ARGUMENT',
        'a token among the arguments can be seen by others on this machine: leave --token out, so that it is asked for, or use --token-stdin',
      );
    // A file that --config names may be made here, which no other command may.
    const settings = await loadSettings(flags, context, { mayBeMissing: true });
    const token = await readToken(context, { fromStdin: this.tokenStdin });
    const identity = await this.#check({ ...settings, token, tokenSource: undefined });
    const isAddressGiven = flags.apiBaseUrl !== undefined || flags.host !== undefined;
    // A host of the file would be another address beside the new one.
    const address = isAddressGiven ? { host: undefined, api_base_url: settings.apiBaseUrl.href } : {};
    const trust = flags.caCert === undefined || settings.caCert === undefined ? {} : { ca_cert: settings.caCert };
    const changed = await untilCancelled(context, () =>
      changeConfigFile(settings.configFile, (text) => editToml(text, { token, ...address, ...trust })),
    );
    await this.showDone(
      { token: identity, api_base_url: settings.apiBaseUrl.href, config_file: changed.path },
      `Logged in to ${settings.apiBaseUrl.href} as ${toSafeLine(`${identity.user} (roles: ${describeRoles(identity)})`)}\n` +
        `  The token is kept in ${describeChange(changed)}`,
    );
    if (isEnvironment(settings))
      await this.note(`! ${settings.tokenSource} is set here and counts before the file: unset it to use this token`);
    if (isInClear(settings.apiBaseUrl))
      await this.note(`! ${settings.apiBaseUrl.href} is not encrypted: whoever is on the way can read the token`);
  }

  async #check(settings: CliSettings): Promise<Token> {
    const client = await createClient(this.context, settings);
    const { token } = await client.call('whoami', {}).catch((error: unknown) => {
      if (!isGoferError(error) || error.code !== 'UNAUTHENTICATED') throw error;
      throw new GoferError(
        'UNAUTHENTICATED',
        `${error.message}\n  ${settings.apiBaseUrl.href} does not accept this token; nothing was stored`,
        {
          cause: error,
        },
      );
    });
    if (!isBypassed(token)) return token;
    throw new GoferError(
      'FAILED_PRECONDITION',
      `${settings.apiBaseUrl.href} asks for no token (development.bypass_auth), and could not check this one; nothing was stored`,
    );
  }
}

function isInClear({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && !/^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/u.test(hostname);
}
