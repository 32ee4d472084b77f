/**
 * What an extension is: a small web service that the Gofer server starts, gives subscriptions to, and takes runs from. `serveExtension`
 * speaks the protocol (`GET /api/health` and the rest); an extension says what it does with a subscription.
 */

/** One setting that an extension takes. */
export interface Parameter {
  readonly key: string;
  readonly required: boolean;
  /** For a person. */
  readonly documentation: string;
}

/** What an extension says of itself. */
export interface ExtensionInfo {
  /** Markdown. */
  readonly documentation: string;
  /** Settings of the whole extension, given when it is installed. */
  readonly configParams: readonly Parameter[];
  /** Settings of each subscription. */
  readonly subscriptionParams: readonly Parameter[];
}

export interface PipelineName {
  readonly namespaceId: string;
  readonly pipelineId: string;
}

/** Names one subscription: unique within the extension. */
export interface SubscriptionName extends PipelineName {
  readonly subscriptionId: string;
}

export interface Subscription extends SubscriptionName {
  /** Secrets are looked up already. */
  readonly params: Readonly<Record<string, string>>;
  /**
   * When it was made, epoch milliseconds: the same for one that is given again, another for a new one of the same name. Absent where the
   * server does not say.
   */
  readonly created?: number;
}

/** What came in from outside, byte for byte. */
export interface ExternalEvent {
  /** By lower-case name; what came several times is joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Names it on the server; absent where that does not say. Give it to `startRun`, so that the server can tell which runs it has led to. */
  readonly deliveryId?: string;
  /** When the server took it, epoch milliseconds, which may be long ago; absent where that does not say. */
  readonly received?: number;
  /** Somebody wants it done again though it was taken: the number of that wish, from 1. It is the server that says so, never the sender. */
  readonly again?: number;
}

export interface Extension {
  /** Or what makes it. Documentation may depend on the configuration. */
  readonly info: ExtensionInfo | (() => ExtensionInfo);
  /** Called before anything is served; a rejection ends the process, and its message is what the operator reads. */
  start?(): Promise<void> | void;
  /**
   * Takes a subscription, and again one that it has already (after a restart of the server, or with other parameters): the new one
   * takes the place of the old. Throw a `Refusal` for parameters that cannot be used: its message is what the user reads.
   */
  subscribe(subscription: Subscription): Promise<void> | void;
  /** Succeeds for one that is not known. */
  unsubscribe(name: SubscriptionName): Promise<void> | void;
  /** Absent: every external event is refused. The same event may come again; throw a `Refusal` for one that is not to be tried again. */
  externalEvent?(event: ExternalEvent): Promise<void> | void;
  /** Anything that JSON can say, or a promise of it, for whoever looks for a fault; no secrets. */
  debug?(): unknown;
  /** Before the process ends: what is under way is finished or kept. */
  shutdown?(): Promise<void> | void;
}

/** The caller's fault: answered with 400, and not tried again. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** What a started run was told. */
export interface StartedRun {
  readonly runId: number;
}
export interface RunState extends StartedRun {
  readonly state: 'unknown' | 'pending' | 'running' | 'complete';
  readonly status: 'unknown' | 'failed' | 'successful' | 'cancelled';
  /** Why, for a person; absent where there is nothing to say. */
  readonly reason?: string;
  /** Epoch milliseconds; 0: not yet. */
  readonly started: number;
  readonly ended: number;
}

/** One event of the server: `kind` is its name, such as `completed_run`. */
export interface GoferEvent {
  readonly id: string;
  readonly kind: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds. */
  readonly emitted: number;
}

export interface StartRunOptions {
  readonly variables?: Readonly<Record<string, string>>;
  /** 1 to 255 characters, unique within the pipeline: the same key answers with the same run, so that asking again starts nothing twice. */
  readonly idempotencyKey: string;
  /** The event from outside that it is started for. */
  readonly deliveryId?: string | undefined;
  /**
   * How long an attempt that could not reach the server, or that the server could not serve now, is repeated, in milliseconds; default
   * 60,000.
   */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

/** The server, as an extension sees it. Rejects with `GoferRequestError`. */
export interface GoferApi {
  startRun(pipeline: PipelineName, options: StartRunOptions): Promise<StartedRun>;
  /** `waitSeconds`: answers when the run has ended, or after that time with how far it is. */
  getRun(
    pipeline: PipelineName,
    runId: number,
    options?: { readonly waitSeconds?: number; readonly signal?: AbortSignal },
  ): Promise<RunState>;
  /** The events of these kinds behind `after` (absent: from now on), each once and in order, across lost connections, until `signal` aborts. */
  events(options: { readonly kinds: readonly string[]; readonly after?: string; readonly signal: AbortSignal }): AsyncIterable<GoferEvent>;
}

/** Small things that an extension keeps with the server across restarts. */
export interface ExtensionObjects {
  /** Undefined where there is none. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Replaces what is there. */
  put(key: string, body: Uint8Array | string): Promise<void>;
  /** Succeeds where there is none. */
  delete(key: string): Promise<void>;
  /** Keys, oldest first. */
  list(): Promise<readonly string[]>;
}

/** Time, so that tests can turn it. */
export interface ExtensionClock {
  /** Epoch milliseconds. */
  now(): number;
  /**
   * Calls `callback` at that time (epoch milliseconds), at once where it has passed; answers with what cancels it. Right also for times
   * that are months away, and where the machine's clock is set.
   */
  at(time: number, callback: () => void): () => void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** One line of JSON on standard output; no secrets. */
export type ExtensionLog = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** What an extension is given. */
export interface ExtensionHost {
  /** The id that it is installed under. */
  readonly id: string;
  /** A setting of the whole extension, whatever the case of its key; undefined where it is missing or empty. */
  config(key: string): string | undefined;
  readonly gofer: GoferApi;
  readonly objects: ExtensionObjects;
  readonly clock: ExtensionClock;
  readonly log: ExtensionLog;
  /** Aborts when the extension is to end. */
  readonly signal: AbortSignal;
}

/** Throws where the configuration cannot be used, with a message that says which setting and why. */
export type ExtensionFactory = (host: ExtensionHost) => Extension;
