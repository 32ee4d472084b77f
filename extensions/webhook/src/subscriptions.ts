/** The subscriptions that the extension serves, and which of them a call is for. */
import { Refusal, type Subscription, type SubscriptionName } from '@gofer/sdk/extension';
import { parameterOf, refuseUnknown, textOf } from '../../shared/src/parameters.ts';
import { type Condition, parseFilter } from './body-filter.ts';
import { isSignedWith, type Signature } from './signature.ts';
import { parseMappings, type VariableMapping } from './variable-mapping.ts';

export interface WebhookSubscription extends SubscriptionName {
  readonly secret: string;
  readonly variables: readonly VariableMapping[];
  readonly filter: readonly Condition[];
}

const MIN_SECRET = 16;
/** Bytes that are hashed at most to find whose signature one is: nobody has shown yet that they may have us work. */
const MAX_HASHED = 64 * 1024 * 1024;

/** Throws a `Refusal`, never with the secret in it. */
export function parseSubscription(subscription: Subscription): WebhookSubscription {
  refuseUnknown(subscription, ['secret', 'variables', 'filter']);
  const secret = parameterOf(subscription, 'secret');
  if (secret === undefined) throw new Refusal('The subscription lacks secret: give it as pipeline_secret{{key}}.');
  if (Buffer.byteLength(secret) < MIN_SECRET) throw new Refusal(`secret: use ${MIN_SECRET} random characters or more.`);
  const { namespaceId, pipelineId, subscriptionId } = subscription;
  const variables = parseMappings(parameterOf(subscription, 'variables') ?? '');
  return { namespaceId, pipelineId, subscriptionId, secret, variables, filter: parseFilter(parameterOf(subscription, 'filter') ?? '') };
}

export class WebhookSubscriptions {
  readonly #byName = new Map<string, WebhookSubscription>();

  /** Takes the place of one of the same name. */
  add(subscription: WebhookSubscription): void {
    this.#byName.set(textOf(subscription), subscription);
  }

  remove(name: SubscriptionName): void {
    this.#byName.delete(textOf(name));
  }

  all(): readonly WebhookSubscription[] {
    return [...this.#byName.values()];
  }

  /**
   * The one of that name (`namespace/pipeline/subscription`) if the call is signed with its secret; without a name all whose secret it is
   * signed with. Throws a `Refusal` where there is none, which does not say whether there is such a subscription.
   */
  signedBy(name: string | undefined, signature: Signature, body: Uint8Array): readonly WebhookSubscription[] {
    const candidates = name === undefined ? this.all() : [...this.#named(name)];
    if (candidates.length * body.byteLength > MAX_HASHED) {
      throw new Refusal('There are too many subscriptions to find the one that is meant: name it in X-Gofer-Webhook.');
    }
    const found = candidates.filter(({ secret }) => isSignedWith(secret, signature, body));
    if (found.length === 0) throw new Refusal('No subscription has a secret that the call is signed with.');
    return found;
  }

  #named(name: string): readonly WebhookSubscription[] {
    const subscription = this.#byName.get(name);
    return subscription === undefined ? [] : [subscription];
  }
}
