import { codeOf, ERROR_TABLE } from '@gofer/contracts';
import type { SystemMetadata } from '@gofer/contracts/api';
import { GoferCommand } from '../gofer-command.ts';
import { toSafeLine } from '../output/sanitise.ts';

export class Context extends GoferCommand {
  static override paths = [['context']];
  static override usage = GoferCommand.Usage({
    category: 'Main',
    description: 'Show which server, namespace and configuration commands use here',
    details: 'The token is never shown. Where the server does not answer the rest is shown all the same, and the exit code says so.',
    examples: [['Where am I?', '$0 context']],
  });

  async execute(): Promise<number> {
    const settings = await this.context.settings();
    const server = await this.#server();
    const configuration = {
      api_base_url: settings.apiBaseUrl.href,
      namespace: settings.namespace,
      output_format: settings.outputFormat,
      detail: settings.detail,
      debug: settings.debug,
      token_set: settings.token !== '',
      config_file: settings.source ?? null,
    };
    await this.show({ version: this.context.version, configuration, server: server.metadata ?? null }, ({ colours }) => {
      const rows: [string, string][] = [
        ['Server', configuration.api_base_url],
        [
          'Server version',
          server.metadata === undefined
            ? colours.red('does not answer')
            : toSafeLine(`${server.metadata.semver} (${server.metadata.commit})`),
        ],
        ['Command version', this.context.version],
        ['Namespace', configuration.namespace],
        ['Token', configuration.token_set ? 'set' : 'none'],
        ['Output format', configuration.output_format],
        ['Detail', configuration.detail ? 'on' : 'off'],
        ['Configuration file', configuration.config_file ?? 'none'],
      ];
      const width = Math.max(...rows.map(([label]) => label.length));
      return rows.map(([label, value]) => `${colours.bold(label.padEnd(width))}  ${value}\n`).join('');
    });
    if (server.error !== undefined) throw server.error;
    return 0;
  }

  async #server(): Promise<{ metadata?: SystemMetadata; error?: unknown }> {
    try {
      return { metadata: await (await this.client()).call('get_system_metadata', {}) };
    } catch (error) {
      if (ERROR_TABLE[codeOf(error)].exit === ERROR_TABLE.INTERNAL.exit) throw error;
      return { error };
    }
  }
}
