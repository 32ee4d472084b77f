import { codeOf, ERROR_TABLE } from '@gofer/contracts';
import type { PipelineConfig } from '@gofer/contracts/api';
import { Option } from 'clipanion';
import { GoferCommand, readCount } from '../../gofer-command.ts';
import { renderPlan, toStepJson } from '../../output/subscription-steps.ts';
import { type PipelinePath, SubscriptionKeepingCommand } from '../../up/subscription-keeping-command.ts';
import { planSubscriptions } from '../../up/subscription-plan.ts';

export class PipelineConfigDeploy extends SubscriptionKeepingCommand {
  static override paths = [['pipeline', 'config', 'deploy']];
  static override usage = GoferCommand.Usage({
    category: 'Versions and deployments',
    description: 'Make an existing version of a pipeline the live one',
    details: `
      As with \`gofer up\`, subscriptions are made, changed and ended so that the pipeline has those of this version's code; those that people have made stay. Where one of them fails the others are done all the same, and the exit code is 1: call it again once the reason is gone. --keep-subscriptions leaves all of them alone.
    `,
    examples: [
      ['Back to the first version', '$0 pipeline config deploy simple 1'],
      ['What that would make of its subscriptions', '$0 pipeline config deploy simple 1 --dry-run'],
    ],
  });

  id = Option.String({ name: 'pipeline' });
  version = Option.String({ name: 'version' });
  dryRun = Option.Boolean('--dry-run', false, { description: 'Show what would become of the subscriptions, but change nothing' });
  keepsAsTheyAre = Option.Boolean('--keep-subscriptions', false, { description: 'Leave all subscriptions as they are' });

  async execute(): Promise<number> {
    const version = readCount(this.version.replace(/^v/u, ''), 'a version', { minimum: 1 });
    const path = { namespace_id: await this.namespaceId(), pipeline_id: this.id };
    if (this.dryRun) {
      await this.#showPlan(path, version);
      return 0;
    }
    const client = await this.client();
    const config = this.keepsAsTheyAre ? undefined : await this.#config(path, version);
    const seen = config === undefined ? undefined : await this.seeSubscriptions(path);
    const { deployment } = await client.call('deploy_config', { path: { ...path, version } });
    const ns = await this.inNamespace();
    const isForPrograms = (await this.settings()).outputFormat === 'json';
    if (!isForPrograms) {
      await this.showDone(deployment, `Deployed version ${version} of pipeline ${this.id}`, [
        ['Start a run of it', `gofer run start ${this.id} --follow${ns}`],
      ]);
    }
    const applied = seen === undefined ? [] : await this.keepSubscriptions(path, config?.subscriptions ?? [], seen);
    if (isForPrograms)
      await this.show(applied.length === 0 ? deployment : { ...deployment, subscriptions: applied.map(toStepJson) }, () => '');
    return applied.some(({ error }) => error !== undefined) ? ERROR_TABLE.RUN_FAILED.exit : 0;
  }

  /** Undefined for whoever may deploy versions but not see them. */
  async #config(path: PipelinePath, version: number): Promise<PipelineConfig | undefined> {
    try {
      return (await (await this.client()).call('get_config', { path: { ...path, version } })).config;
    } catch (error) {
      if (codeOf(error) !== 'PERMISSION_DENIED') throw error;
      await this.note(
        `${this.context.errorColours.yellow('!')} Subscriptions stay as they are: you may not read which ones version ${version} has`,
      );
      return undefined;
    }
  }

  async #showPlan(path: PipelinePath, version: number): Promise<void> {
    const client = await this.client();
    const { config } = await client.call('get_config', { path: { ...path, version } });
    const steps = this.keepsAsTheyAre
      ? []
      : planSubscriptions(config.subscriptions ?? [], (await client.call('list_subscriptions', { path })).subscriptions);
    await this.show({ config, subscriptions: steps.map((step) => toStepJson({ step })) }, ({ colours }) => {
      const plan = steps.length === 0 ? '  Its subscriptions stay as they are.\n' : renderPlan(steps, colours);
      return `${colours.green('✓')} Version ${version} of pipeline ${this.id} can be deployed. Nothing was changed.\n${plan}`;
    });
  }
}
