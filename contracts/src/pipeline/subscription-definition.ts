/** A subscription that a pipeline's code keeps: read from the JSON that its program prints, and written as that JSON again. */

import type { FaultList } from './fault-list.ts';
import { isJsonObject, type JsonObject, kindOf, memberPath, quote, readOptionalObject, readString } from './field-readers.ts';
import { IDENTIFIER_RULE, isIdentifier, isTaskId, TASK_ID_RULE } from './identifiers.ts';
import { PIPELINE_LIMITS } from './pipeline-limits.ts';

export interface SubscriptionDefinition {
  /** See `isIdentifier`. */
  readonly extensionId: string;
  /** Unique within the pipeline and extension; see `isTaskId`. */
  readonly subscriptionId: string;
  /** With references such as `pipeline_secret{{key}}` still in place. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface SubscriptionJson {
  readonly extension_id: string;
  readonly subscription_id: string;
  readonly settings: Readonly<Record<string, string>>;
}

export function toSubscriptionJson({ extensionId, subscriptionId, settings }: SubscriptionDefinition): SubscriptionJson {
  return { extension_id: extensionId, subscription_id: subscriptionId, settings };
}

/** Undefined where there are none: `null`, absence and an empty list are the same. */
export function readSubscriptions(value: unknown, faults: FaultList): readonly SubscriptionDefinition[] | undefined {
  const path = '$.subscriptions';
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) {
    faults.add(path, `must be an array of subscriptions, is ${kindOf(value)}`);
    return undefined;
  }
  if (value.length > PIPELINE_LIMITS.subscriptions) {
    faults.add(path, `a pipeline has at most ${PIPELINE_LIMITS.subscriptions} subscriptions, this one has ${value.length}`);
    return undefined;
  }
  const places = new Map<string, string>();
  const subscriptions: SubscriptionDefinition[] = [];
  for (const [index, each] of value.entries()) {
    const at = `${path}[${index}]`;
    const subscription = readSubscription(each, at, faults);
    if (subscription === undefined) continue;
    const name = `${subscription.extensionId}/${subscription.subscriptionId}`;
    const earlier = places.get(name);
    if (earlier === undefined) places.set(name, at);
    else faults.add(`${at}.subscription_id`, `the subscription ${quote(name)} is already that of ${earlier}`);
    subscriptions.push(subscription);
  }
  return subscriptions.length === 0 ? undefined : subscriptions;
}

function readSubscription(value: unknown, path: string, faults: FaultList): SubscriptionDefinition | undefined {
  if (!isJsonObject(value)) {
    faults.add(path, `a subscription must be an object, is ${kindOf(value)}`);
    return undefined;
  }
  const extensionId = readString(value, 'extension_id', path, Number.POSITIVE_INFINITY, faults);
  if (extensionId !== undefined && !isIdentifier(extensionId))
    faults.add(`${path}.extension_id`, `${quote(extensionId)} is not an extension id; use ${IDENTIFIER_RULE}`);
  const subscriptionId = readString(value, 'subscription_id', path, Number.POSITIVE_INFINITY, faults);
  if (subscriptionId !== undefined && !isTaskId(subscriptionId))
    faults.add(`${path}.subscription_id`, `${quote(subscriptionId)} is not a subscription id; use ${TASK_ID_RULE}`);
  const settings = readSettings(readOptionalObject(value, 'settings', path, faults), `${path}.settings`, faults);
  return extensionId === undefined || subscriptionId === undefined ? undefined : { extensionId, subscriptionId, settings };
}

function readSettings(written: JsonObject, path: string, faults: FaultList): Readonly<Record<string, string>> {
  const keys = Object.keys(written);
  if (keys.length > PIPELINE_LIMITS.settings) {
    faults.add(path, `at most ${PIPELINE_LIMITS.settings} settings are taken, these are ${keys.length}`);
    return {};
  }
  const settings = keys.map((key): [string, string] => {
    if (key === '') faults.add(memberPath(path, key), 'a setting must have a name');
    return [key, readString(written, key, path, PIPELINE_LIMITS.settingCharacters, faults) ?? ''];
  });
  return Object.fromEntries(settings);
}
