import { codeOf } from '@gofer/contracts';
import type { Subscription } from '@gofer/contracts/api';
import type { SubscriptionJson } from '@gofer/contracts/pipeline';
import { GoferCommand } from '../gofer-command.ts';
import { renderAppliedStep, renderPlan } from '../output/subscription-steps.ts';
import { type AppliedStep, applySubscriptions } from './apply-subscriptions.ts';
import { planSubscriptions } from './subscription-plan.ts';

export interface PipelinePath {
  readonly namespace_id: string;
  readonly pipeline_id: string;
}

/** A command that makes a version of a pipeline the live one, and the pipeline's subscriptions those of that version's code. */
export abstract class SubscriptionKeepingCommand extends GoferCommand {
  /** What is to be done is shown first, then what has become of it. */
  protected async keepSubscriptions(path: PipelinePath, wanted: readonly SubscriptionJson[]): Promise<AppliedStep[]> {
    const client = await this.client();
    const existing = await this.#existing(path, wanted);
    const steps = existing === undefined ? [] : planSubscriptions(wanted, existing);
    const { outputFormat } = await this.settings();
    const { colours, errorColours } = this.context;
    if (steps.length > 0 && outputFormat === 'plain') await this.write(renderPlan(steps, colours));
    const applied: AppliedStep[] = [];
    for await (const each of applySubscriptions(client, path, steps)) {
      applied.push(each);
      if (outputFormat === 'json') continue;
      if (each.error !== undefined) this.context.stderr.write(renderAppliedStep(each, errorColours));
      else if (outputFormat === 'plain') await this.write(renderAppliedStep(each, colours));
    }
    return applied;
  }

  /** Undefined for whoever may deploy pipelines but not see subscriptions, where the code has none. */
  async #existing(path: PipelinePath, wanted: readonly SubscriptionJson[]): Promise<Subscription[] | undefined> {
    try {
      return (await (await this.client()).call('list_subscriptions', { path })).subscriptions;
    } catch (error) {
      if (wanted.length > 0 || codeOf(error) !== 'PERMISSION_DENIED') throw error;
      await this.note(
        `${this.context.errorColours.yellow('!')} Whether it has subscriptions of its former code cannot be seen: you may not read subscriptions`,
      );
      return undefined;
    }
  }
}
