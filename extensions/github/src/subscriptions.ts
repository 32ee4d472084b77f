/** The subscriptions that the extension serves, and which of them an event is for. */
import { type PipelineName, Refusal, type Subscription, type SubscriptionName } from '@gofer/sdk/extension';
import { parameterOf, refuseUnknown, textOf } from '../../shared/src/parameters.ts';
import { type EventFilter, matchesFilter, parseEventFilter } from './event-filter.ts';

export interface GithubSubscription extends SubscriptionName {
  /** `org/repo`, as it was written. */
  readonly repository: string;
  readonly filter: EventFilter;
}

const REPOSITORY = /^[a-zA-Z0-9_.-]{1,100}\/[a-zA-Z0-9_.-]{1,100}$/;

/** Throws a `Refusal`. */
export function parseSubscription(subscription: Subscription): GithubSubscription {
  refuseUnknown(subscription, ['repository', 'event_filter']);
  const repository = parameterOf(subscription, 'repository');
  const filter = parameterOf(subscription, 'event_filter');
  if (repository === undefined || filter === undefined) {
    const missing = [...(repository === undefined ? ['repository'] : []), ...(filter === undefined ? ['event_filter'] : [])];
    throw new Refusal(`The subscription lacks ${missing.join(' and ')}.`);
  }
  if (!REPOSITORY.test(repository)) {
    throw new Refusal(`repository: ${JSON.stringify(repository.slice(0, 200))} is not of the form org/repo.`);
  }
  const { namespaceId, pipelineId, subscriptionId } = subscription;
  return { namespaceId, pipelineId, subscriptionId, repository, filter: parseEventFilter(filter) };
}

export class GithubSubscriptions {
  readonly #byName = new Map<string, GithubSubscription>();

  /** Takes the place of one of the same name. */
  add(subscription: GithubSubscription): void {
    this.#byName.set(textOf(subscription), subscription);
  }

  remove(name: SubscriptionName): void {
    this.#byName.delete(textOf(name));
  }

  all(): readonly GithubSubscription[] {
    return [...this.#byName.values()];
  }

  /** All that an event is for; GitHub's names of repositories have no case. */
  matching(event: string, action: string, repository: string): readonly GithubSubscription[] {
    const wanted = repository.toLowerCase();
    return this.all().filter((each) => each.repository.toLowerCase() === wanted && matchesFilter(each.filter, event, action));
  }
}

export function pipelineNameOf({ namespaceId, pipelineId }: PipelineName): string {
  return `${namespaceId}/${pipelineId}`;
}
