import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';

export class PipelineConfigDeploy extends GoferCommand {
  static override paths = [['pipeline', 'config', 'deploy']];
  static override usage = GoferCommand.Usage({
    category: 'Versions and deployments',
    description: 'Make an existing version of a pipeline the live one',
    examples: [['Back to the first version', '$0 pipeline config deploy simple 1']],
  });

  id = Option.String({ name: 'pipeline' });
  version = Option.String({ name: 'version' });

  async execute(): Promise<void> {
    const client = await this.client();
    const version = readCount(this.version.replace(/^v/u, ''), 'a version', { minimum: 1 });
    const { deployment } = await client.call('deploy_config', {
      path: { namespace_id: await this.namespaceId(), pipeline_id: this.id, version },
    });
    const ns = await this.inNamespace();
    await this.showDone(deployment, `Deployed version ${version} of pipeline ${this.id}`, [
      ['Start a run of it', `gofer run start ${this.id} --follow${ns}`],
    ]);
  }
}
