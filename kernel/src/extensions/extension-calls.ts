/** What the rest of the kernel asks of extensions that run. Every call has a time limit, and none is made without the extension's key. */
import type { ExtensionDocumentation } from '@gofer/contracts/api';

/** Names one subscription, as the extension knows it. */
export interface SubscriptionName {
  readonly namespaceId: string;
  readonly pipelineId: string;
  readonly subscriptionId: string;
}

/** One as its extension is given it. */
export interface GivenSubscription extends SubscriptionName {
  readonly params: Readonly<Record<string, string>>;
  /** When it was made, epoch milliseconds: another one of the same name was made at another time. */
  readonly created: number;
  /** Those of their values that are secrets: what it says of them is masked. */
  readonly secrets?: readonly string[];
}

/** How an extension answered a delivery. */
export interface DeliveryAnswer {
  /** HTTP: 2xx took it; 4xx, but for 408, 425 and 429, refused it, for good; anything else may be tried again. */
  readonly statusCode: number;
  /** The extension's own words, cut to some hundred characters. */
  readonly message?: string;
}

/** An event from outside as its extension is handed it. */
export interface HandedEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** That of the delivery. */
  readonly id: string;
  /** When it came in, epoch milliseconds. */
  readonly received: number;
  /** How often somebody wanted it done again though the extension had taken it. */
  readonly again: number;
}

export interface ExtensionCalls {
  /** Resolves at once unless it is just being started: then when it is ready or could not be started, or after some seconds. */
  whenSettled(extensionId: string): Promise<void>;
  /** True while it runs, is healthy and has been given its subscriptions. */
  isReady(extensionId: string): boolean;
  /** What it last told of itself; undefined where it never has. */
  documentation(extensionId: string): ExtensionDocumentation | undefined;
  /**
   * Gives it a subscription. Rejects with `INVALID_ARGUMENT` and the extension's own words where it refuses, and with `UNAVAILABLE` where
   * it does not run, does not answer in time, or answers with nonsense.
   */
  subscribe(extensionId: string, subscription: GivenSubscription): Promise<void>;
  /** Rejects with `UNAVAILABLE` where it cannot be told. */
  unsubscribe(extensionId: string, name: SubscriptionName): Promise<void>;
  /** Rejects with `UNAVAILABLE` where it cannot be asked. */
  deliver(extensionId: string, event: HandedEvent): Promise<DeliveryAnswer>;
  /** Rejects with `UNAVAILABLE` where it cannot be asked. */
  debug(extensionId: string): Promise<string>;
  /** Calls `listener` whenever one has become healthy, before it counts as ready: what it resolves after is waited for. */
  onHealthy(listener: (extensionId: string) => Promise<void>): void;
  /** Calls `listener` whenever one has become ready. */
  onReady(listener: (extensionId: string) => void): void;
}
