import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderPipelineSecrets } from '../../output/secret-views.ts';

export class SecretPipelineList extends GoferCommand {
  static override paths = [['secret', 'pipeline', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Secrets',
    description: "List a pipeline's secrets, without their values",
    examples: [['What its tasks may use', '$0 secret pipeline list simple']],
  });

  id = Option.String({ name: 'pipeline' });

  async execute(): Promise<void> {
    const client = await this.client();
    const { secrets } = await client.call('list_pipeline_secrets', {
      path: { namespace_id: await this.namespaceId(), pipeline_id: this.id },
    });
    await this.show(secrets, (presentation) => renderPipelineSecrets(secrets, presentation));
  }
}
