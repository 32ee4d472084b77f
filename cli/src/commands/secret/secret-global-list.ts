import { GoferCommand } from '../../gofer-command.ts';
import { renderGlobalSecrets } from '../../output/secret-views.ts';

export class SecretGlobalList extends GoferCommand {
  static override paths = [['secret', 'global', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Secrets',
    description: 'List the global secrets, without their values',
    examples: [['What tasks may use, and in which namespaces', '$0 secret global list']],
  });

  async execute(): Promise<void> {
    const client = await this.client();
    const { secrets } = await client.call('list_global_secrets', {});
    await this.show(secrets, (presentation) => renderGlobalSecrets(secrets, presentation));
  }
}
