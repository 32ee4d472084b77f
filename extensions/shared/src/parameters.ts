/** Reading the parameters of a subscription. */
import { Refusal, type Subscription, type SubscriptionName } from '@gofer/sdk/extension';

/** A name as one text: unique within the extension, because no part of it has a slash. */
export function textOf({ namespaceId, pipelineId, subscriptionId }: SubscriptionName): string {
  return `${namespaceId}/${pipelineId}/${subscriptionId}`;
}

/** Keys are compared whatever their case; undefined where it is missing or blank. */
export function parameterOf(subscription: Subscription, key: string): string | undefined {
  const entry = Object.entries(subscription.params).find(([name]) => name.toLowerCase() === key);
  const value = entry?.[1].trim();
  return value === '' ? undefined : value;
}

/** Throws a `Refusal` for a parameter that there is not: a slip of the pen would otherwise go unseen. */
export function refuseUnknown(subscription: Subscription, known: readonly string[]): void {
  const unknown = Object.keys(subscription.params).find((key) => !known.includes(key.toLowerCase()));
  if (unknown === undefined) return;
  throw new Refusal(`there is no parameter ${JSON.stringify(unknown)}; there are ${known.join(', ')}`);
}

/** One of a few words; the first where it is missing. */
export function choiceOf<T extends string>(subscription: Subscription, key: string, choices: readonly [T, ...T[]]): T {
  const value = parameterOf(subscription, key);
  if (value === undefined) return choices[0];
  const choice = choices.find((word) => word === value.toLowerCase());
  if (choice !== undefined) return choice;
  throw new Refusal(`${key} must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}`);
}

/** Throws a `Refusal` where it is missing or blank. */
export function requiredOf(subscription: Subscription, key: string, example: string): string {
  const value = parameterOf(subscription, key);
  if (value !== undefined) return value;
  throw new Refusal(`${key} is missing: give one, such as ${example}`);
}
