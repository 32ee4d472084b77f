/**
 * The use cases of the server, as the HTTP layer (or any other front) sees them. Ids in paths arrive decoded and unvalidated; services
 * validate, and reject with a coded error that says what is wrong and where. Results are wire resources.
 */
import type { ExecInput, ExecOutput, ExecRequest, ObjectRange } from '@gofer/contracts';
import type {
  AuditEntry,
  Deployment,
  Event,
  GivenPermission,
  Initiator,
  Namespace,
  Pipeline,
  PipelineConfig,
  PipelineMetadata,
  Role,
  Run,
  Secret,
  StoredObject,
  SystemMetadata,
  SystemPreferences,
  TaskExecution,
  Token,
} from '@gofer/contracts/api';
import type { Actor, Principal } from '../domain/index.ts';
import type { AuditQuery, NewAuditEntry } from '../storage/audit-table.ts';
import type { DeliveryService, ExtensionService, SubscriptionService } from './extension-use-cases.ts';

export type { AuditQuery, NewAuditEntry } from '../storage/audit-table.ts';
export type {
  DeliveryQuery,
  DeliveryService,
  ExtensionChange,
  ExtensionService,
  NewExtension,
  SubscriptionPath,
  SubscriptionService,
} from './extension-use-cases.ts';

import type { LineSelection } from '../workers/logs/line-selection.ts';
import type { LogBatch, LogStat } from '../workers/logs/log-store.ts';

/** Absent: everything, as v0 answers. */
export interface Page {
  readonly limit?: number;
  readonly offset?: number;
}
export interface PipelinePath {
  readonly namespaceId: string;
  readonly pipelineId: string;
}
export interface RunPath extends PipelinePath {
  readonly runId: number;
}
export interface TaskPath extends RunPath {
  readonly taskId: string;
}

export interface SystemService {
  metadata(): Promise<SystemMetadata>;
  preferences(): Promise<SystemPreferences>;
  updatePreferences(change: { ignorePipelineRunEvents?: boolean }): Promise<void>;
  /** What `GET /api/system/health` answers: resolves when the server can start runs, rejects with `UNAVAILABLE` saying why not. */
  health(): Promise<void>;
  /** What `GET /readyz` answers; never rejects. */
  readiness(): Promise<ReadinessReport>;
}

export interface ReadinessProblem {
  readonly part: 'database' | 'scheduler' | 'object_store' | 'secret_store' | 'disk' | 'recovery';
  /** For anybody to read: it names no path, no address and no name of a user's. */
  readonly reason: string;
}
export interface ReadinessReport {
  readonly ready: boolean;
  readonly problems: readonly ReadinessProblem[];
  /** How often runs were looked through for such that nobody moves on, and how many of these were found and mended, since the start. */
  readonly watchdog: { readonly checks: number; readonly mended: number };
}

export interface NamespaceService {
  /** `mayRead`: which of them the caller sees; absent: all. The page is one of those. */
  list(page: Page, mayRead?: (namespaceId: string) => boolean): Promise<Namespace[]>;
  create(namespace: { id: string; name: string; description: string }): Promise<Namespace>;
  get(id: string): Promise<Namespace>;
  update(id: string, change: { name?: string; description?: string }): Promise<Namespace>;
  /** Also deletes its pipelines; see `PipelineService.delete`. Missing: `NOT_FOUND`. */
  delete(id: string): Promise<void>;
}

export interface PipelineService {
  /** `mayRead` as for namespaces. */
  list(namespaceId: string, page: Page, mayRead?: (pipelineId: string) => boolean): Promise<PipelineMetadata[]>;
  get(path: PipelinePath): Promise<PipelineMetadata>;
  /** A disabled pipeline starts no new runs. */
  setState(path: PipelinePath, state: 'active' | 'disabled'): Promise<void>;
  /** Cancels what runs, then deletes configs, deployments, runs and logs. */
  delete(path: PipelinePath): Promise<void>;
}

export interface ConfigService {
  /** Newest first. */
  list(path: PipelinePath, page: Page): Promise<PipelineConfig[]>;
  /** `definition` is the SDK's JSON, of any shape: every fault is reported at once with its path under `$.config`. */
  register(path: PipelinePath, definition: unknown): Promise<Pipeline>;
  /** Version 0 is the highest one. */
  get(path: PipelinePath, version: number): Promise<PipelineConfig>;
  /** Makes a version live at once and answers with the deployment. */
  deploy(path: PipelinePath, version: number): Promise<Deployment>;
  delete(path: PipelinePath, version: number): Promise<void>;
}

export interface DeploymentService {
  list(path: PipelinePath, page: Page): Promise<Deployment[]>;
  get(path: PipelinePath, deploymentId: number): Promise<Deployment>;
}

export interface CancelRequest {
  readonly by: Actor;
  /** Seconds between SIGTERM and SIGKILL; absent: as the server is configured. */
  readonly graceSeconds?: number;
  /** At once, and the tasks that are marked `always` too. */
  readonly force: boolean;
}

export interface RunService {
  list(path: PipelinePath, query: { limit: number; offset: number; reverse: boolean }): Promise<Run[]>;
  /**
   * Answers once the run is committed; waits for nothing else. The same idempotency key answers with the same run, or with
   * `ALREADY_EXISTS` where that is not for the caller to see.
   */
  start(
    path: PipelinePath,
    request: {
      variables: Readonly<Record<string, string>>;
      initiator: Initiator;
      idempotencyKey?: string;
      /** The event from outside that the extension starts it for. */
      because?: { readonly extensionId: string; readonly deliveryId: string };
      /**
       * Whether the caller may read secrets of the pipeline, global ones, and its runs itself: only then may its variables refer to those, and
       * only then is it answered with a run that somebody else has started with its key. Asked only where it matters.
       */
      mayRead: (what: 'pipeline' | 'global' | 'runs') => boolean;
    },
  ): Promise<Run>;
  get(path: RunPath): Promise<Run>;
  /** Resolves with the run when it has ended, or as it is after `seconds`, or when `signal` aborts. */
  wait(path: RunPath, seconds: number, signal: AbortSignal): Promise<Run>;
  /** A run that has ended stays as it is; one that is being ended already can only be ended faster. */
  cancel(path: RunPath, request: CancelRequest): Promise<void>;
  /** Every run of the pipeline that has not ended; answers with their numbers. */
  cancelAll(path: PipelinePath, request: CancelRequest): Promise<number[]>;
  /**
   * A new run that repeats one that has ended (else `FAILED_PRECONDITION`). `mayRead` as for `start`, since it has the same variables;
   * whoever may not read runs must not be told those either, and repeats none.
   */
  retry(
    path: RunPath,
    request: {
      version: 'same' | 'live' | number;
      fromFailed: boolean;
      initiator: Initiator;
      mayRead: (what: 'pipeline' | 'global' | 'runs') => boolean;
    },
  ): Promise<Run>;
  /** Deletes a run that has ended, with its logs and objects; `FAILED_PRECONDITION` for another. Its number is not given again. */
  purge(path: RunPath): Promise<void>;
}

export interface TaskExecutionService {
  list(path: RunPath, page: Page): Promise<TaskExecution[]>;
  get(path: TaskPath): Promise<TaskExecution>;
  /** `graceSeconds` between SIGTERM and SIGKILL. */
  cancel(path: TaskPath, by: Actor, graceSeconds: number): Promise<void>;
}

/** A command that is to run inside a running task. */
export interface AttachSession {
  /**
   * Starts it and goes on until it has ended, with `exit` as the last item, or until the task has, without one. To be called once. Rejects
   * with what the scheduler does; where `signal` aborts or the reader leaves, the command is ended where the engine can.
   */
  run(input: AsyncIterable<ExecInput>, signal: AbortSignal): AsyncIterable<ExecOutput>;
}
export interface AttachService {
  /**
   * Starts nothing yet. Rejects with `FAILED_PRECONDITION` where the task does not run, with `UNSUPPORTED` where its engine runs no further
   * commands, and with `INVALID_ARGUMENT` for a command without words.
   */
  attach(path: TaskPath, request: ExecRequest): Promise<AttachSession>;
}

/** The end of an attempt's log, or of what is there of it now. */
export interface LogEnd {
  readonly format: 'end';
  /** From 1. */
  readonly attempt: number;
  /** Names the end: behind it the next attempt's log follows. */
  readonly cursor: string;
  /** Bytes and lines that are there; `seal` once the log has ended. */
  readonly stat: LogStat;
  /** Lines before these that are not there any more. */
  readonly dropped: number;
}
export interface LogRequest {
  /** From 1; absent: the latest, or the one that the cursor names. */
  readonly attempt?: number;
  /** A cursor, `ATTEMPT-PLACE`; one without an attempt belongs to the first. */
  readonly after?: string;
  readonly follow: boolean;
  readonly format: 'lines' | 'json';
  readonly select?: LineSelection;
  readonly timestamps?: boolean;
  readonly signal: AbortSignal;
}
export interface LogService {
  stat(path: TaskPath, attempt?: number): Promise<LogStat>;
  /**
   * From the beginning or behind a cursor, up to the end of the log, which `LogEnd` tells of; with `follow` waits for what is to come,
   * also for a task that has not started yet, and where no attempt is named goes on with the next one's log until the task has ended.
   * Rejects before the first batch with NOT_FOUND, with GONE where the log has expired or was removed, and with INVALID_ARGUMENT where
   * the cursor is not one of the log that is there, or the selection cannot be used.
   */
  read(path: TaskPath, request: LogRequest): Promise<AsyncIterable<LogBatch | LogEnd>>;
  /** `range` in bytes, both ends included (RFC 9110 §14.1.2), already clamped by nobody: the service does. */
  raw(
    path: TaskPath,
    range?: { start: number; end?: number },
    attempt?: number,
  ): Promise<{ size: number; start: number; end: number; complete: boolean; stream: AsyncIterable<Uint8Array> }>;
  /** Of every attempt. */
  delete(path: TaskPath): Promise<void>;
}

/** A pipeline's objects, or with `runId` a run's. */
export interface PipelineObjectOwner extends PipelinePath {
  readonly runId?: number;
}
/** Whose objects. */
export type ObjectOwner = PipelineObjectOwner | { readonly extensionId: string };
export interface ObjectContents {
  /** Bytes. */
  readonly size: number;
  /** A strong entity tag (RFC 9110 §8.8.3), quotes included. */
  readonly etag: string;
  /** Goes on to its end even if the object is replaced or deleted meanwhile. `range` begins before the end. */
  read(range: ObjectRange | undefined, signal: AbortSignal): AsyncIterable<Uint8Array>;
}
export interface ObjectService {
  /** Oldest first. */
  list(owner: ObjectOwner, page: Page): Promise<StoredObject[]>;
  /**
   * What is there is replaced, with `force`, only once the whole body is kept; whatever goes wrong before leaves it as it was. Rejects
   * before it takes a byte of the body with `ALREADY_EXISTS`, `NOT_FOUND`, `GONE`, or `PAYLOAD_TOO_LARGE` where `size` is known.
   */
  put(
    owner: ObjectOwner,
    key: string,
    body: AsyncIterable<Uint8Array>,
    options: { readonly force: boolean; readonly size?: number; readonly signal: AbortSignal },
  ): Promise<StoredObject>;
  get(owner: ObjectOwner, key: string): Promise<ObjectContents>;
  /** Succeeds where there is none. */
  delete(owner: ObjectOwner, key: string): Promise<void>;
}

export interface NewSecret {
  readonly key: string;
  readonly content: string;
  /** Replaces a value that is there. */
  readonly force: boolean;
}
export interface SecretWithValue {
  readonly metadata: Secret;
  /** Null where it was not asked for. */
  readonly secret: string | null;
}
export interface SecretService {
  listOfPipeline(path: PipelinePath, page: Page): Promise<Secret[]>;
  putOfPipeline(path: PipelinePath, secret: NewSecret): Promise<Secret>;
  getOfPipeline(path: PipelinePath, key: string, withValue: boolean): Promise<SecretWithValue>;
  /** Succeeds where there is none. */
  deleteOfPipeline(path: PipelinePath, key: string): Promise<void>;
  listGlobal(page: Page): Promise<Secret[]>;
  /** `namespaces`: patterns, one of which must match the whole id of a namespace that may use it. */
  putGlobal(secret: NewSecret, namespaces: readonly string[]): Promise<Secret>;
  getGlobal(key: string, withValue: boolean): Promise<SecretWithValue>;
  /** Succeeds where there is none. */
  deleteGlobal(key: string): Promise<void>;
  /** Encrypts every value with the key that is configured now; answers with their number. */
  rotate(signal: AbortSignal): Promise<number>;
}

export interface EventService {
  get(id: string): Promise<Event>;
  delete(id: string): Promise<void>;
  /**
   * `mayRead`: which of them the caller sees; absent: all. `history`: everything stored first. `reverse` (with history): newest first, then
   * the end. Else goes on until `signal` aborts. Each event once, in the order of its commit; a slow reader holds nobody back and misses
   * nothing that is still stored. Throws at once with `INVALID_ARGUMENT` for a kind that there is not.
   */
  stream(query: {
    history: boolean;
    reverse: boolean;
    signal: AbortSignal;
    /** Behind this one, in the direction of reading: with the same `kinds` and `since` it is the rest. */
    after?: string;
    /** Only these; absent: all. */
    kinds?: readonly string[];
    /** Begins, instead of with everything stored, with the first that happened then or later (epoch milliseconds), and leaves none out behind it. */
    since?: number;
    mayRead?: (event: Event) => boolean;
  }): AsyncIterable<Event>;
}

export interface NewToken {
  readonly user: string;
  readonly roles: readonly string[];
  /** Seconds from now; 0: never. */
  readonly expires: number;
  readonly metadata: Readonly<Record<string, string>>;
}
export interface TokenWithSecret {
  readonly token_details: Token;
  /** Told this once. */
  readonly secret: string;
}
export interface TokenService {
  /** Oldest first. */
  list(page: Page): Promise<Token[]>;
  get(id: string): Promise<Token>;
  ofPrincipal(principal: Principal): Promise<Token>;
  /** Once for each database; `FAILED_PRECONDITION` afterwards. */
  createBootstrap(): Promise<TokenWithSecret>;
  /** `PERMISSION_DENIED` for what the creator does not hold, in roles or in time. */
  create(creator: Principal, token: NewToken): Promise<TokenWithSecret>;
  /** `FAILED_PRECONDITION` where the caller would disable its own. */
  setDisabled(caller: Principal, id: string, disabled: boolean): Promise<void>;
  /** Succeeds where there is none; `FAILED_PRECONDITION` for the caller's own. */
  delete(caller: Principal, id: string): Promise<void>;
}

export interface SessionService {
  /** `secret`: what the browser's cookie is to hold. */
  begin(principal: Principal): Promise<{ readonly secret: string; readonly expires: number; readonly seconds: number }>;
  /** Succeeds where there is none. */
  end(secret: string): Promise<void>;
}

export interface RoleService {
  /** Those of the system first. */
  list(page: Page): Promise<Role[]>;
  get(id: string): Promise<Role>;
  create(role: { id: string; description: string; permissions: readonly GivenPermission[] }): Promise<Role>;
  /** A change that is wrong changes nothing; `FORBIDDEN` for a system role. */
  update(id: string, change: { description?: string; permissions?: readonly GivenPermission[] }): Promise<Role>;
  delete(id: string): Promise<void>;
}

export interface AuditService {
  /** Newest first. */
  list(query: AuditQuery): Promise<AuditEntry[]>;
  /** Does `work` and writes the entry in its first commit, or, unless `refusals` is false, what it failed with; see `AuditTrail`. */
  record<T>(entry: NewAuditEntry, work: () => T | Promise<T>, options?: { readonly refusals: boolean }): Promise<T>;
}

export interface Services {
  readonly system: SystemService;
  readonly namespaces: NamespaceService;
  readonly pipelines: PipelineService;
  readonly configs: ConfigService;
  readonly deployments: DeploymentService;
  readonly runs: RunService;
  readonly taskExecutions: TaskExecutionService;
  readonly attach: AttachService;
  readonly logs: LogService;
  readonly objects: ObjectService;
  readonly secrets: SecretService;
  readonly events: EventService;
  readonly tokens: TokenService;
  readonly sessions: SessionService;
  readonly roles: RoleService;
  readonly audit: AuditService;
  readonly extensions: ExtensionService;
  readonly subscriptions: SubscriptionService;
  readonly deliveries: DeliveryService;
}
