import { codeOf, ERROR_TABLE, isGoferError } from '@gofer/contracts';
import type { SystemMetadata, Token } from '@gofer/contracts/api';
import { createClient } from '../create-client.ts';
import { GoferCommand } from '../gofer-command.ts';
import { isBypassed } from '../identity/bypassed.ts';
import { toSafeLine } from '../output/sanitise.ts';
import { describeRoles } from '../output/token-views.ts';

/** What was asked for, or why it is not there. */
type Asked<Answer> = { readonly answer: Answer } | { readonly error: Error };

export class Context extends GoferCommand {
  static override paths = [['context']];
  static override usage = GoferCommand.Usage({
    category: 'Main',
    description: 'Show which server, namespace, token and configuration commands use here, and who you are',
    details:
      'The token itself is never shown. Where the server does not answer the rest is shown all the same, and the exit code says so; a token that it does not accept is no failure of this command.',
    examples: [['Where am I?', '$0 context']],
  });

  async execute(): Promise<number> {
    const settings = await this.context.settings();
    // Without the token, so that one that cannot even be sent is no fault of the server.
    const server = await this.#ask(async () =>
      (await createClient(this.context, { ...settings, token: '' })).call('get_system_metadata', {}),
    );
    const identity = await this.#identity(server, settings.token !== '');
    const configuration = {
      api_base_url: settings.apiBaseUrl.href,
      namespace: settings.namespace,
      output_format: settings.outputFormat,
      detail: settings.detail,
      debug: settings.debug,
      token_set: settings.token !== '',
      config_file: settings.source ?? null,
    };
    const resource = { version: this.context.version, configuration, server: orNull(server), identity: orNull(identity) };
    await this.show(resource, ({ colours }) => {
      const rows: [string, string][] = [
        ['Server', configuration.api_base_url],
        [
          'Server version',
          'error' in server ? colours.red('does not answer') : toSafeLine(`${server.answer.semver} (${server.answer.commit})`),
        ],
        ['Command version', this.context.version],
        ['Namespace', configuration.namespace],
        ['Token', configuration.token_set ? `set, by ${settings.tokenSource ?? 'the command'}` : 'none'],
        ['You are', describeIdentity(identity, configuration.token_set)],
        ['Output format', configuration.output_format],
        ['Detail', configuration.detail ? 'on' : 'off'],
        ['Configuration file', configuration.config_file ?? 'none'],
      ];
      const width = Math.max(...rows.map(([label]) => label.length));
      return rows.map(([label, value]) => `${colours.bold(label.padEnd(width))}  ${value}\n`).join('');
    });
    if ('error' in server) throw server.error;
    return 0;
  }

  /** A server that bypasses authentication knows even those who have no token. */
  async #identity(server: Asked<SystemMetadata>, isTokenSet: boolean): Promise<Asked<Token> | undefined> {
    if ('error' in server) return undefined;
    const asked = await this.#ask(async () => (await (await this.client()).call('whoami', {})).token);
    return 'error' in asked && !isTokenSet && codeOf(asked.error) === 'UNAUTHENTICATED' ? undefined : asked;
  }

  async #ask<Answer>(ask: () => Promise<Answer>): Promise<Asked<Answer>> {
    try {
      return { answer: await ask() };
    } catch (error) {
      if (!isGoferError(error) || ERROR_TABLE[error.code].exit === ERROR_TABLE.INTERNAL.exit) throw error;
      return { error };
    }
  }
}

function orNull<Answer>(asked: Asked<Answer> | undefined): Answer | null {
  return asked !== undefined && 'answer' in asked ? asked.answer : null;
}

function describeIdentity(identity: Asked<Token> | undefined, isTokenSet: boolean): string {
  if (identity === undefined) return isTokenSet ? 'not known' : 'nobody: no token is sent';
  if ('error' in identity) return toSafeLine(`not known: ${identity.error.message}`);
  const { answer } = identity;
  const bypassed = isBypassed(answer) ? ': the server asks for no token' : '';
  return toSafeLine(`${answer.user} (roles: ${describeRoles(answer)})${bypassed}`);
}
