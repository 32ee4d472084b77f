/** What is kept across restarts. */
import type { SubscriptionName } from '@gofer/sdk/extension';
import type { Trigger } from './completed-run.ts';

export interface KeptFollower {
  readonly name: SubscriptionName;
  readonly trigger: Trigger;
  /** Events from before this are none of its own (epoch milliseconds). */
  readonly since: number;
}

export interface KeptFollowers {
  readonly version: 1;
  /** The last event that is done with; undefined where there was none yet. */
  readonly position: string | undefined;
  readonly subscriptions: Readonly<Record<string, KeptFollower>>;
  /** Of runs that were started and have not ended: how long the chain is that led there. */
  readonly depths: Readonly<Record<string, number>>;
}

/** `value`: what was kept, or undefined. Throws for what another version has written. */
export function toKeptFollowers(value: unknown): KeptFollowers {
  if (value === undefined) return { version: 1, position: undefined, subscriptions: {}, depths: {} };
  if (typeof value === 'object' && value !== null && 'version' in value && value.version === 1) return value as KeptFollowers;
  throw new Error('the object "followers" is of another version of this extension: install that, or delete the object to start anew');
}
