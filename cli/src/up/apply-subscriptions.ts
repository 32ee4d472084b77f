import type { GoferError } from '@gofer/contracts';
import { isGoferError } from '@gofer/contracts';
import type { GoferClient } from '../api/gofer-client.ts';
import type { SubscriptionStep } from './subscription-plan.ts';

export interface AppliedStep {
  readonly step: SubscriptionStep;
  /** Why it was not done; the others are done all the same. */
  readonly error?: GoferError;
}

/** Does each step by itself, in order, and tells of it as soon as it is done. */
export async function* applySubscriptions(
  client: GoferClient,
  path: { readonly namespace_id: string; readonly pipeline_id: string },
  steps: readonly SubscriptionStep[],
): AsyncGenerator<AppliedStep> {
  for (const step of steps) {
    try {
      await apply(client, path, step);
      yield { step };
    } catch (error) {
      if (!isGoferError(error)) throw error;
      yield { step, error };
    }
  }
}

async function apply(
  client: GoferClient,
  path: { readonly namespace_id: string; readonly pipeline_id: string },
  step: SubscriptionStep,
): Promise<void> {
  if (step.action === 'create') {
    const { extension_id, subscription_id, settings } = step.wanted;
    await client.call('create_subscription', {
      path,
      body: { extension_id, subscription_id, settings: { ...settings }, origin: 'config' },
    });
    return;
  }
  const { extension_id, subscription_id } = step.before;
  const one = { ...path, extension_id, subscription_id };
  if (step.action === 'delete') await client.call('delete_subscription', { path: one });
  else
    await client.call('update_subscription', {
      path: one,
      body: { origin: 'config', ...(step.changesSettings ? { settings: { ...step.wanted.settings } } : {}) },
    });
}
