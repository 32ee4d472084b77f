/** What makes the subscriptions of a pipeline those of its code. */
import type { Subscription } from '@gofer/contracts/api';
import type { SubscriptionJson } from '@gofer/contracts/pipeline';

export type SubscriptionStep =
  | { readonly action: 'create'; readonly wanted: SubscriptionJson }
  | {
      readonly action: 'update';
      readonly wanted: SubscriptionJson;
      readonly before: Subscription;
      /** People have made it: from now on the code keeps it. */
      readonly adopts: boolean;
      readonly changesSettings: boolean;
    }
  | { readonly action: 'delete'; readonly before: Subscription };

/**
 * The steps from what a pipeline has to what its code says: what is new, what is other, and last what is in the code no longer. What people
 * have subscribed stays as it is, unless the code has one of the same name: then it is the code's. Applied, there is nothing left to do.
 */
export function planSubscriptions(wanted: readonly SubscriptionJson[], existing: readonly Subscription[]): SubscriptionStep[] {
  const before = new Map(existing.map((subscription) => [nameOf(subscription), subscription]));
  const names = new Set(wanted.map(nameOf));
  return [
    ...wanted.flatMap((each): SubscriptionStep[] => (before.has(nameOf(each)) ? [] : [{ action: 'create', wanted: each }])),
    ...wanted.flatMap((each) => updateOf(each, before.get(nameOf(each)))),
    ...existing
      .filter((each) => each.origin === 'config' && !names.has(nameOf(each)))
      .map((each): SubscriptionStep => ({ action: 'delete', before: each })),
  ];
}

/** `cron/nightly` */
export function nameOf({ extension_id, subscription_id }: { readonly extension_id: string; readonly subscription_id: string }): string {
  return `${extension_id}/${subscription_id}`;
}

function updateOf(wanted: SubscriptionJson, before: Subscription | undefined): SubscriptionStep[] {
  if (before === undefined) return [];
  const adopts = before.origin !== 'config';
  const changesSettings = !areEqual(wanted.settings, before.settings);
  return adopts || changesSettings ? [{ action: 'update', wanted, before, adopts, changesSettings }] : [];
}

function areEqual(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && one[key] === other[key]);
}
