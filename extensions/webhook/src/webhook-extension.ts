/** From signed calls to runs. */
import {
  asLiteral,
  type Extension,
  type ExtensionHost,
  type ExternalEvent,
  GoferRequestError,
  openReplayGuard,
  Refusal,
  type ReplayGuard,
  type Subscription,
  type SubscriptionName,
} from '@gofer/sdk/extension';
import { againOf } from '../../shared/src/again.ts';
import { textOf } from '../../shared/src/parameters.ts';
import { MAX_BODY, parseBody } from './body.ts';
import { fitsFilter } from './body-filter.ts';
import { documentation, SUBSCRIPTION_PARAMETERS } from './documentation.ts';
import { fingerprintOf, readSignature } from './signature.ts';
import { parseSubscription, type WebhookSubscription, WebhookSubscriptions } from './subscriptions.ts';
import { toVariables } from './variable-mapping.ts';

/** Bytes that a variable may have for the whole body to be one. */
export const MAX_BODY_VARIABLE = 65_536;
/** The server hands an event again that fails; it does not wait much longer for an answer. */
const START_PATIENCE_MS = 5_000;

/** What a call is known by once its signature is right. */
interface Call {
  /** As its sender names it; empty where it does not. Not signed. */
  readonly id: string;
  /** The server's name of it. */
  readonly deliveryId: string | undefined;
  /** Another one where it is to be done again. */
  readonly fingerprint: string;
  readonly text: string;
  readonly bytes: number;
  readonly body: unknown;
}

export class WebhookExtension implements Extension {
  readonly info = { documentation: documentation(), configParams: [], subscriptionParams: SUBSCRIPTION_PARAMETERS };
  readonly #host: ExtensionHost;
  readonly #subscriptions = new WebhookSubscriptions();
  #guard: ReplayGuard | undefined;

  constructor(host: ExtensionHost) {
    this.#host = host;
  }

  async start(): Promise<void> {
    this.#guard = await openReplayGuard(this.#host);
  }

  subscribe(subscription: Subscription): void {
    this.#subscriptions.add(parseSubscription(subscription));
  }

  unsubscribe(name: SubscriptionName): void {
    this.#subscriptions.remove(name);
  }

  async externalEvent({ headers, body, deliveryId, received, again }: ExternalEvent): Promise<void> {
    if (this.#guard === undefined) throw new Error('The extension has not been started.');
    if (body.byteLength > MAX_BODY) throw new Refusal(`The body has ${body.byteLength} bytes; at most ${MAX_BODY} are taken.`);
    const signature = readSignature(headers, received ?? this.#host.clock.now());
    const subscriptions = this.#subscriptions.signedBy(headers['x-gofer-webhook']?.trim(), signature, body);
    const text = decode(body);
    const parsed = parseBody(text, headers['content-type'] ?? '');
    const id = readId(headers);
    const call: Call = {
      id,
      deliveryId,
      fingerprint: fingerprintOf(signature) + againOf(again),
      text,
      bytes: body.byteLength,
      body: parsed,
    };
    // An id is one subscription's own: nobody else can use it up.
    const ids = id === '' ? [] : subscriptions.map((each) => `id ${textOf(each)} ${id}${againOf(again)}`);
    if (await this.#guard.once([`signature ${call.fingerprint}`, ...ids], () => this.#handle(subscriptions, call))) return;
    throw new Refusal(
      'The call was done before, and starts nothing again: its signature, or its id, has come already, and was taken then. To have it done again, redeliver the delivery that was taken. Sign with X-Gofer-Timestamp where two calls have the same body.',
    );
  }

  debug(): unknown {
    return {
      subscriptions: this.#subscriptions.all().map((each) => ({
        name: textOf(each),
        variables: each.variables.map(({ name, place, isRequired }) => ({ name, place, isRequired })),
        filter: each.filter.map(({ place }) => place),
      })),
      remembered: this.#guard?.size ?? 0,
    };
  }

  async shutdown(): Promise<void> {
    await this.#guard?.flush();
  }

  async #handle(subscriptions: readonly WebhookSubscription[], call: Call): Promise<void> {
    const outcomes = await Promise.allSettled(subscriptions.map((each) => this.#start(each, call)));
    const failures = subscriptions.flatMap((subscription, index) => {
      const outcome = outcomes[index];
      return outcome?.status === 'rejected' ? [{ name: textOf(subscription), error: outcome.reason as unknown }] : [];
    });
    if (failures.length === 0) return;
    const message = failures.map(({ name, error }) => `${name}: ${error instanceof Error ? error.message : String(error)}`).join('; ');
    this.#host.log('error', 'A call could not start its run.', { error: message });
    if (failures.every(({ error }) => isForGood(error))) throw new Refusal(message);
    throw new Error(message);
  }

  async #start(subscription: WebhookSubscription, call: Call): Promise<void> {
    const { gofer, log, signal } = this.#host;
    const name = textOf(subscription);
    if (!fitsFilter(subscription.filter, call.body)) {
      log('info', 'A call does not fit the filter; it starts nothing.', { subscription: name });
      return;
    }
    const { runId } = await gofer.startRun(subscription, {
      variables: {
        ...toVariables(subscription.variables, call.body),
        GOFER_EXTENSION_WEBHOOK_SUBSCRIPTION: subscription.subscriptionId,
        GOFER_EXTENSION_WEBHOOK_DELIVERY: call.id,
        GOFER_EXTENSION_WEBHOOK_BODY: call.bytes <= MAX_BODY_VARIABLE ? asLiteral(call.text) : '',
        GOFER_EXTENSION_WEBHOOK_BODY_BYTES: String(call.bytes),
      },
      // By what is signed: the same call under another id is the same call.
      idempotencyKey: `webhook/${subscription.subscriptionId}/${call.fingerprint}`,
      deliveryId: call.deliveryId,
      patienceMs: START_PATIENCE_MS,
      signal,
    });
    log('info', 'A run was started.', { subscription: name, run: runId });
  }
}

function decode(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new Refusal('The body is no UTF-8.');
  }
}

/** Empty where the sender gives none. */
function readId(headers: ExternalEvent['headers']): string {
  const id = (headers['x-gofer-delivery'] ?? headers['idempotency-key'] ?? '').trim();
  if (/^[\x20-\x7e]{0,255}$/.test(id)) return asLiteral(id);
  throw new Refusal('X-Gofer-Delivery and Idempotency-Key have at most 255 characters of ASCII.');
}

/** Whether it would be the same whenever it is tried. */
function isForGood(error: unknown): boolean {
  if (error instanceof Refusal) return true;
  return (
    error instanceof GoferRequestError && error.statusCode >= 400 && error.statusCode < 500 && ![401, 408, 429].includes(error.statusCode)
  );
}
