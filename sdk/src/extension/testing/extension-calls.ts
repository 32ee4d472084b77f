/** What a server asks of an extension, over HTTP. */
import type { ExtensionInfo, PipelineName, SubscriptionName } from '../extension.ts';
import { Refusal } from '../extension.ts';
import type { Activity } from './activity.ts';

export interface KitSubscription {
  /** `default` where it is absent. */
  readonly namespaceId?: string;
  readonly pipelineId: PipelineName['pipelineId'];
  readonly subscriptionId: string;
  readonly params: Readonly<Record<string, string>>;
  /** As `Subscription`; a server of version 0 does not say. */
  readonly created?: number;
}

/** As `ExternalEvent`; a server of version 0 says nothing but headers and body. */
export interface KitEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
  readonly deliveryId?: string;
  readonly received?: number;
  readonly again?: number;
}

export interface ExtensionAnswer {
  readonly statusCode: number;
  readonly message?: string;
}

export class ExtensionCalls {
  readonly #url: string;
  readonly #secret: string;
  readonly #activity: Activity;
  /** Of requests that are on their way. */
  readonly #arrivals: (() => void)[] = [];

  constructor(url: string, secret: string, activity: Activity) {
    this.#url = url;
    this.#secret = secret;
    this.#activity = activity;
  }

  /** To be called when the extension has one of them. */
  arrived(): void {
    this.#arrivals.shift()?.();
  }

  async subscribe(subscription: SubscriptionName & Pick<KitSubscription, 'params' | 'created'>): Promise<void> {
    const { created, params } = subscription;
    const answer = await this.#call('POST', 'subscribe', { ...toWire(subscription), pipeline_subscription_params: params, created });
    if (answer.statusCode >= 400) throw new Refusal(answer.message);
  }

  async unsubscribe(name: SubscriptionName): Promise<void> {
    const answer = await this.#call('DELETE', 'subscribe', toWire(name));
    if (answer.statusCode >= 400) throw new Refusal(answer.message);
  }

  async externalEvent({ headers, body, deliveryId, received, again }: KitEvent): Promise<ExtensionAnswer> {
    const { statusCode, message } = await this.#call(
      'POST',
      'external-event',
      { headers, body: [...Buffer.from(body)] },
      {
        ...(deliveryId === undefined ? {} : { 'gofer-delivery-id': deliveryId }),
        ...(received === undefined ? {} : { 'gofer-delivery-received': String(received) }),
        ...(again === undefined ? {} : { 'gofer-delivery-again': String(again) }),
      },
    );
    return statusCode < 300 || message === undefined ? { statusCode } : { statusCode, message };
  }

  async debug(): Promise<unknown> {
    const { body } = await this.#call('GET', 'debug');
    const { info } = body as { info: string };
    try {
      return JSON.parse(info);
    } catch {
      // What is a text of its own is told as it is.
      return info;
    }
  }

  async info(): Promise<ExtensionInfo> {
    const { body } = await this.#call('GET', 'info');
    const { documentation } = body as { documentation: Record<'config_params' | 'pipeline_subscription_params' | 'body', unknown> };
    return {
      documentation: documentation.body as string,
      configParams: documentation.config_params as ExtensionInfo['configParams'],
      subscriptionParams: documentation.pipeline_subscription_params as ExtensionInfo['subscriptionParams'],
    };
  }

  async shutdown(): Promise<void> {
    await this.#call('POST', 'shutdown', {});
  }

  /** Counts as under way until the extension has it: what it does then may wait for the clock. */
  async #call(
    method: string,
    path: string,
    request?: unknown,
    more: Readonly<Record<string, string>> = {},
  ): Promise<ExtensionAnswer & { readonly body: unknown }> {
    const body = request === undefined ? undefined : JSON.stringify(request);
    const headers = {
      authorization: `Bearer ${this.#secret}`,
      ...more,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const end = this.#activity.begin();
    this.#arrivals.push(end);
    const response = await fetch(`${this.#url}/api/${path}`, { method, headers, ...(body === undefined ? {} : { body }) }).finally(end);
    const text = await response.text();
    const parsed: unknown = text === '' ? undefined : JSON.parse(text);
    const message = typeof parsed === 'object' && parsed !== null && 'message' in parsed ? String(parsed.message) : undefined;
    // The answer may come before what the extension goes on with.
    if (response.ok) await this.#activity.settled();
    return { statusCode: response.status, body: parsed, ...(message === undefined ? {} : { message }) };
  }
}

function toWire({ namespaceId, pipelineId, subscriptionId }: SubscriptionName) {
  return { namespace_id: namespaceId, pipeline_id: pipelineId, pipeline_subscription_id: subscriptionId };
}
