import { Option } from 'clipanion';
import { GoferCommand } from '../../gofer-command.ts';
import { renderDeployments } from '../../output/config-views.ts';

export class PipelineDeploymentList extends GoferCommand {
  static override paths = [['pipeline', 'deployment', 'list']];
  static override usage = GoferCommand.Usage({
    category: 'Versions and deployments',
    description: "List a pipeline's deployments",
    examples: [['When which version became live', '$0 pipeline deployment list simple']],
  });

  id = Option.String({ name: 'pipeline' });

  async execute(): Promise<void> {
    const client = await this.client();
    const { deployments } = await client.call('list_deployments', {
      path: { namespace_id: await this.namespaceId(), pipeline_id: this.id },
    });
    await this.show(deployments, (presentation) => renderDeployments(deployments, presentation));
  }
}
