import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { renderDeployment } from '../../output/config-views.ts';

export class PipelineDeploymentGet extends GoferCommand {
  static override paths = [['pipeline', 'deployment', 'get']];
  static override usage = GoferCommand.Usage({
    category: 'Versions and deployments',
    description: 'Show a deployment',
    examples: [['The first one', '$0 pipeline deployment get simple 1']],
  });

  id = Option.String({ name: 'pipeline' });
  deployment = Option.String({ name: 'deployment' });

  async execute(): Promise<void> {
    const client = await this.client();
    const deployment_id = readCount(this.deployment, 'a deployment', { minimum: 1 });
    const { deployment } = await client.call('get_deployment', {
      path: { namespace_id: await this.namespaceId(), pipeline_id: this.id, deployment_id },
    });
    await this.show(deployment, (presentation) => renderDeployment(deployment, presentation));
  }
}
