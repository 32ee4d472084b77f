import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { checkSecretKey } from '../../secrets/secret-words.ts';

export class SecretGlobalDelete extends GoferCommand {
  static override paths = [['secret', 'global', 'delete']];
  static override usage = GoferCommand.Usage({
    category: 'Secrets',
    description: 'Delete a global secret',
    details: 'Tasks that run keep the value that they were given.',
    examples: [['It need not be there', '$0 secret global delete registry_token']],
  });

  key = Option.String({ name: 'key' });

  async execute(): Promise<void> {
    checkSecretKey(this.key);
    const client = await this.client();
    const path = { key: this.key };
    await this.assertThere(() => client.call('get_global_secret', { path }));
    await client.call('delete_global_secret', { path });
    await this.showDone({ key: this.key, deleted: true }, `Successfully removed secret '${this.key}'`);
  }
}
