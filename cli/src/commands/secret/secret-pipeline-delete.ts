import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { checkSecretKey } from '../../secrets/secret-words.ts';

export class SecretPipelineDelete extends GoferCommand {
  static override paths = [['secret', 'pipeline', 'delete']];
  static override usage = GoferCommand.Usage({
    category: 'Secrets',
    description: 'Delete a secret of a pipeline',
    details: 'Tasks that run keep the value that they were given.',
    examples: [['It need not be there', '$0 secret pipeline delete simple db_password']],
  });

  id = Option.String({ name: 'pipeline' });
  key = Option.String({ name: 'key' });

  async execute(): Promise<void> {
    checkSecretKey(this.key);
    const client = await this.client();
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id, key: this.key };
    await this.assertThere(() => client.call('get_pipeline_secret', { path }));
    await client.call('delete_pipeline_secret', { path });
    await this.showDone({ ...path, deleted: true }, `Successfully removed secret '${this.key}'`);
  }
}
