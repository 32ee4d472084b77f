/** The use cases of extensions: the extensions themselves, the subscriptions to them, and the events from outside that they are handed. */
import type { Delivery, Extension, Subscription } from '@gofer/contracts/api';
import type { LogBatch } from '../workers/logs/log-store.ts';
import type { ExtensionLogRequest } from './extension-logs.ts';
import type { LogEnd, Page, PipelinePath } from './services.ts';

export interface NewExtension {
  readonly id: string;
  /** An image reference, or `builtin:NAME`. */
  readonly image: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly registryAuth?: { readonly user: string; readonly pass: string };
  readonly additionalRoles: readonly string[];
}
export interface ExtensionChange {
  readonly enable?: boolean;
  readonly image?: string;
  /** Null removes one. */
  readonly settings?: Readonly<Record<string, string | null>>;
  /** Null removes it. */
  readonly registryAuth?: { readonly user: string; readonly pass: string } | null;
  readonly additionalRoles?: readonly string[];
}
export interface ExtensionService {
  /** In the order of their ids. `mayRead`: which of them the caller sees; absent: all. */
  list(mayRead?: (extensionId: string) => boolean): Promise<Extension[]>;
  get(id: string): Promise<Extension>;
  /** Answers once it runs or could not be started, or after `waitSeconds`, or when `signal` aborts, with how far it is. */
  install(extension: NewExtension, waitSeconds: number, signal: AbortSignal): Promise<Extension>;
  update(id: string, change: ExtensionChange): Promise<void>;
  uninstall(id: string): Promise<void>;
  /** Rejects with `UNAVAILABLE` where it does not run or does not answer. */
  debug(id: string): Promise<string>;
  /** The latest start's log, or what is behind a cursor, and with `follow` those of the starts after it, until `signal` aborts. */
  logs(id: string, request: ExtensionLogRequest): Promise<AsyncIterable<LogBatch | LogEnd>>;
}

export interface SubscriptionPath extends PipelinePath {
  readonly extensionId: string;
  readonly subscriptionId: string;
}
/** Whether the caller may read secrets of the pipeline, or global ones: only then may settings refer to those. */
type MayReadSecrets = (what: 'pipeline' | 'global') => boolean;
export interface SubscriptionService {
  list(path: PipelinePath, page: Page): Promise<Subscription[]>;
  get(path: SubscriptionPath): Promise<Subscription>;
  /**
   * Rejects, with nothing kept, with `NOT_FOUND`, `ALREADY_EXISTS`, with `INVALID_ARGUMENT` for settings that the extension does not
   * document or refuses (in its own words), and with `UNAVAILABLE` where it does not run or does not answer.
   */
  create(
    path: SubscriptionPath,
    subscription: {
      readonly settings: Readonly<Record<string, string>>;
      readonly origin: 'api' | 'config';
      readonly mayRead: MayReadSecrets;
    },
  ): Promise<Subscription>;
  /** As `create`; what is refused changes nothing. */
  update(
    path: SubscriptionPath,
    change: {
      readonly status?: 'active' | 'disabled';
      readonly settings?: Readonly<Record<string, string>>;
      readonly origin?: 'api' | 'config';
      readonly mayRead: MayReadSecrets;
    },
  ): Promise<void>;
  /** Holds at once; an extension that cannot be told now is told later. */
  delete(path: SubscriptionPath): Promise<void>;
  /** Of all pipelines. `own`: for the extension itself, with references looked up and without what it is not to serve. */
  ofExtension(extensionId: string, options: { readonly own: boolean }): Promise<Subscription[]>;
}

export interface DeliveryQuery extends Page {
  readonly state?: Delivery['state'];
}
export interface DeliveryService {
  /** Rejects as `accept` would, for whoever has not read the event yet. */
  assertAccepts(extensionId: string): Promise<void>;
  /**
   * Keeps an event from outside, then answers with its id; the extension is handed it afterwards. Rejects with `NOT_FOUND` where no such
   * extension is installed, with `UNAVAILABLE` where it is disabled, with `RESOURCE_EXHAUSTED` where too many wait for it, with
   * `STORAGE_FULL` where the disk has no room.
   */
  accept(extensionId: string, event: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array }): Promise<string>;
  /** Newest first, without headers; the newest hundred where no limit is asked for. */
  list(extensionId: string, query: DeliveryQuery): Promise<Delivery[]>;
  get(extensionId: string, deliveryId: string): Promise<Delivery>;
  body(extensionId: string, deliveryId: string): Promise<Uint8Array>;
  /** Has the extension handed it again, whatever became of it before; its attempts go on counting. */
  redeliver(extensionId: string, deliveryId: string): Promise<Delivery>;
}
