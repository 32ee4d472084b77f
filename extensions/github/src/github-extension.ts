/** From GitHub's events to runs, and from their ends to checks. */
import {
  type Extension,
  type ExtensionHost,
  type ExternalEvent,
  GoferRequestError,
  openReplayGuard,
  Refusal,
  type ReplayGuard,
  type StartedRun,
  type Subscription,
  type SubscriptionName,
} from '@gofer/sdk/extension';
import { againOf } from '../../shared/src/again.ts';
import { textOf } from '../../shared/src/parameters.ts';
import { CheckKeeper } from './check-keeper.ts';
import { externalId } from './check-report.ts';
import { documentation, SUBSCRIPTION_PARAMETERS } from './documentation.ts';
import { GithubChecks } from './github-checks.ts';
import { CONFIG_PARAMETERS, type GithubConfig } from './github-config.ts';
import { textAt, valueAt } from './json-path.ts';
import { Places } from './places.ts';
import { type GithubDelivery, readDelivery } from './read-delivery.ts';
import { isGithubEvent, toRunVariables } from './run-variables.ts';
import { type GithubSubscription, GithubSubscriptions, parseSubscription } from './subscriptions.ts';

/** Runs of one event that are started at the same time. */
const STARTING = 10;
/** The server hands an event again that fails; it does not wait much longer for an answer. */
const START_PATIENCE_MS = 5_000;

/** Its `fingerprint` is another one where it is to be done again. */
interface HandedDelivery extends GithubDelivery {
  /** The server's name of it. */
  readonly deliveryId: string | undefined;
}

export class GithubExtension implements Extension {
  readonly info = { documentation: documentation(), configParams: CONFIG_PARAMETERS, subscriptionParams: SUBSCRIPTION_PARAMETERS };
  readonly #host: ExtensionHost;
  readonly #config: GithubConfig;
  readonly #subscriptions = new GithubSubscriptions();
  readonly #checks: CheckKeeper;
  readonly #starts = new Places(STARTING);
  #guard: ReplayGuard | undefined;

  constructor(host: ExtensionHost, config: GithubConfig) {
    this.#host = host;
    this.#config = config;
    this.#checks = new CheckKeeper(host, new GithubChecks(config, host));
  }

  async start(): Promise<void> {
    this.#guard = await openReplayGuard(this.#host);
    await this.#checks.resume();
  }

  subscribe(subscription: Subscription): void {
    this.#subscriptions.add(parseSubscription(subscription));
  }

  unsubscribe(name: SubscriptionName): void {
    this.#subscriptions.remove(name);
  }

  async externalEvent(event: ExternalEvent): Promise<void> {
    if (this.#guard === undefined) throw new Error('The extension has not been started.');
    const read = await readDelivery(event, this.#config.webhookSecret);
    const delivery = { ...read, fingerprint: read.fingerprint + againOf(event.again), deliveryId: event.deliveryId };
    const keys = [`id ${delivery.id}${againOf(event.again)}`, `signature ${delivery.fingerprint}`];
    if (await this.#guard.once(keys, () => this.#handle(delivery))) return;
    throw new Refusal(
      `The delivery ${delivery.id}, or another with the same content, was done before, and starts nothing again. To have it done again, redeliver the delivery that was taken; to repeat a run: gofer run retry.`,
    );
  }

  debug(): unknown {
    const { appId, installationId, apiUrl } = this.#config;
    return {
      appId,
      installationId,
      apiUrl,
      subscriptions: this.#subscriptions.all().map((each) => ({
        name: textOf(each),
        repository: each.repository,
        event: each.filter.event,
        actions: each.filter.actions,
      })),
      openChecks: this.#checks.open().map((check) => ({ check: externalId(check), repository: check.repository, headSha: check.headSha })),
      remembered: this.#guard?.size ?? 0,
    };
  }

  async shutdown(): Promise<void> {
    await this.#guard?.flush();
    if (this.#host.signal.aborted) await this.#checks.settled();
  }

  async #handle(delivery: HandedDelivery): Promise<void> {
    const { id, event, payload } = delivery;
    const action = textAt(payload, 'action');
    const repository = textAt(payload, 'repository', 'full_name');
    const ignored = whyIgnored(delivery);
    const subscriptions = ignored === undefined ? this.#subscriptions.matching(event, action, repository) : [];
    this.#host.log('debug', 'An event came from GitHub.', { id, event, action, repository, ignored, subscriptions: subscriptions.length });
    const outcomes = await Promise.allSettled(subscriptions.map((each) => this.#starts.use(() => this.#start(each, delivery))));
    const failures = subscriptions.flatMap((subscription, index) => {
      const outcome = outcomes[index];
      return outcome?.status === 'rejected' ? [{ name: textOf(subscription), error: outcome.reason as unknown }] : [];
    });
    if (failures.length === 0) return;
    const message = `Of ${subscriptions.length} subscriptions ${failures.length} could not start their runs: ${failures
      .map(({ name, error }) => `${name}: ${error instanceof Error ? error.message : String(error)}`)
      .join('; ')}`;
    this.#host.log('error', message, { id, event, repository });
    // What is started answers with the same run when the event comes again; only what has failed is made up for.
    if (failures.every(({ error }) => isForGood(error))) throw new Refusal(message);
    throw new Error(message);
  }

  async #start(subscription: GithubSubscription, { id, event, payload, fingerprint, deliveryId }: HandedDelivery): Promise<void> {
    if (!isGithubEvent(event)) return;
    const { gofer, clock, log, signal } = this.#host;
    const { runId }: StartedRun = await gofer.startRun(subscription, {
      variables: toRunVariables(event, payload),
      // By what is signed: the same body under another id is the same event.
      idempotencyKey: `github/${subscription.subscriptionId}/${fingerprint}`,
      deliveryId,
      patienceMs: START_PATIENCE_MS,
      signal,
    });
    log('info', 'A run was started.', { subscription: textOf(subscription), run: runId, id });
    if (subscription.filter.event !== 'pull_request_with_check') return;
    const headSha = textAt(payload, 'pull_request', 'head', 'sha');
    const repository = textAt(payload, 'repository', 'full_name');
    if (headSha === '') {
      log('warn', 'The event does not say which commit it is about; there is no check.', { subscription: textOf(subscription), id });
      return;
    }
    const { namespaceId, pipelineId, subscriptionId } = subscription;
    await this.#checks.add({ namespaceId, pipelineId, subscriptionId, runId, repository, headSha, opened: clock.now() });
  }
}

/** Undefined for an event that may start runs. */
function whyIgnored({ event, payload }: GithubDelivery): string | undefined {
  if (!isGithubEvent(event)) return 'its kind starts nothing';
  if (event !== 'push') return undefined;
  const after = textAt(payload, 'after');
  return valueAt(payload, 'deleted') === true || /^0{40,64}$/.test(after) ? 'a deleted branch or tag has no commit' : undefined;
}

/** Whether the server will say the same whenever it is asked. */
function isForGood(error: unknown): boolean {
  return (
    error instanceof GoferRequestError && error.statusCode >= 400 && error.statusCode < 500 && ![401, 408, 429].includes(error.statusCode)
  );
}
