import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderSecret } from '../../output/secret-views.ts';
import { checkSecretKey, includeSecretOption, SECRET_GET_DETAILS } from '../../secrets/secret-words.ts';

export class SecretGlobalGet extends GoferCommand {
  static override paths = [['secret', 'global', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Secrets',
    description: 'Show a global secret and who may use it, and its value where that is asked for',
    details: SECRET_GET_DETAILS,
    examples: [
      ['Who may use it?', '$0 secret global get registry_token'],
      ['With its value', '$0 secret global get registry_token --include-secret'],
    ],
  });

  key = Option.String({ name: 'key' });
  includeSecret = includeSecretOption();

  async execute(): Promise<void> {
    checkSecretKey(this.key);
    const client = await this.client();
    const answer = await client.call('get_global_secret', { path: { key: this.key }, query: { include_secret: this.includeSecret } });
    await this.show(answer, (presentation) => renderSecret(answer, presentation, { namespaces: true }));
  }
}
