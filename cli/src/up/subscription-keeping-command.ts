import { type GoferError, isGoferError } from '@gofer/contracts';
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

/** The subscriptions that a pipeline has, or why whoever asks may not see them. */
export type SeenSubscriptions = { readonly existing: readonly Subscription[] } | { readonly refusal: GoferError };

/** A command that makes a version of a pipeline the live one, and the pipeline's subscriptions those of that version's code. */
export abstract class SubscriptionKeepingCommand extends GoferCommand {
  /** To be asked before the version is made live: what goes wrong here has changed nothing. */
  protected async seeSubscriptions(path: PipelinePath): Promise<SeenSubscriptions> {
    try {
      return { existing: (await (await this.client()).call('list_subscriptions', { path })).subscriptions };
    } catch (error) {
      if (!isGoferError(error) || error.code !== 'PERMISSION_DENIED') throw error;
      return { refusal: error };
    }
  }

  /** What is to be done is shown first, then what has become of it. Those that may not be seen stay as they are. */
  protected async keepSubscriptions(
    path: PipelinePath,
    wanted: readonly SubscriptionJson[],
    seen: SeenSubscriptions,
  ): Promise<AppliedStep[]> {
    const { colours, errorColours } = this.context;
    if ('refusal' in seen) {
      await this.note(`${errorColours.yellow('!')} Subscriptions stay as they are: you may not read which ones the pipeline has`);
      return [];
    }
    const client = await this.client();
    const steps = planSubscriptions(wanted, seen.existing);
    const { outputFormat } = await this.settings();
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
}
