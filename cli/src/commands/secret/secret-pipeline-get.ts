import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderSecret } from '../../output/secret-views.ts';
import { checkSecretKey, includeSecretOption, SECRET_GET_DETAILS } from '../../secrets/secret-words.ts';

export class SecretPipelineGet extends GoferCommand {
  static override paths = [['secret', 'pipeline', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Secrets',
    description: 'Show a secret of a pipeline, and its value where that is asked for',
    details: SECRET_GET_DETAILS,
    examples: [
      ['Is it there?', '$0 secret pipeline get simple db_password'],
      ['With its value', '$0 secret pipeline get simple db_password --include-secret'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  key = Option.String({ name: 'key' });
  includeSecret = includeSecretOption();

  async execute(): Promise<void> {
    checkSecretKey(this.key);
    const client = await this.client();
    const answer = await client.call('get_pipeline_secret', {
      path: { namespace_id: await this.namespaceId(), pipeline_id: this.id, key: this.key },
      query: { include_secret: this.includeSecret },
    });
    await this.show(answer, (presentation) => renderSecret(answer, presentation, { namespaces: false }));
  }
}
