/**
 * A pipeline as the rest of Gofer sees it: validated, defaulted, plain data. What users' programs print (v0's SDK JSON) becomes
 * this by `parsePipelineDefinition`, and becomes v0's JSON again by `toPipelineJson`.
 */

import type { SubscriptionDefinition } from './subscription-definition.ts';

/** Which final status of a parent lets a task run; every parent must have ended, and every one must fit. */
export type RequiredParentStatus = 'any' | 'success' | 'failure';

export interface RegistryAuth {
  readonly user: string;
  readonly pass: string;
}

/** What a run that is started does where as many runs as `parallelism` allows are active: waits, ends the oldest, or is ended itself. */
export type Concurrency = 'queue' | 'cancelOldest' | 'cancelNewest';

/**
 * Which ends of an attempt are tried again. `failure`: the container ended with any exit code but 0. `infrastructure`: the task's own
 * program did not fail; it was lost, orphaned, or could not be started or pulled in time. `timeout`: the attempt took longer than the
 * task's `timeout`. A number, 1 to 255: the container ended with this exit code.
 */
export type RetryCause = 'failure' | 'infrastructure' | 'timeout' | number;

/** How long to wait before each further attempt; `retryPolicyOf` fills in what is absent. */
export interface RetryBackoff {
  /** Seconds before the second attempt, 0 or more. */
  readonly initial?: number;
  /** The longest wait in seconds, not below `initial`. */
  readonly maximum?: number;
  /** What each wait is multiplied with for the next, 1 or more. */
  readonly factor?: number;
}

/** As written; `retryPolicyOf` puts a task's and its pipeline's together. */
export interface RetrySettings {
  /** Further attempts after the first, 0 to 100. */
  readonly retries?: number;
  /** One or more, each once. */
  readonly retryOn?: readonly RetryCause[];
  readonly retryBackoff?: RetryBackoff;
}

export interface TaskReliability extends RetrySettings {
  /** Whole seconds from the start of one attempt's container to its end; absent: any time. */
  readonly timeout?: number;
  /** Whole seconds from the moment the task could run until its container runs; absent: any time. */
  readonly startTimeout?: number;
  /** Runs after the cancellation of its run too: a clean-up. Present only where it is true. */
  readonly always?: boolean;
}

/** Its retries are those of every task that does not say its own. */
export interface PipelineReliability extends RetrySettings {
  /** Whole seconds from the moment a run begins to its end; absent: any time. */
  readonly timeout?: number;
  /** Whole seconds that a run may wait until it begins; absent: any time. */
  readonly startTimeout?: number;
  /** Absent means `queue`. */
  readonly concurrency?: Concurrency;
}

export interface TaskDefinition extends TaskReliability {
  /** Unique within the pipeline; see `isTaskId`. */
  readonly id: string;
  /** Empty where none was given. */
  readonly description: string;
  /** As the user wrote it; valid by `parseImageReference`. */
  readonly image: string;
  readonly registryAuth?: RegistryAuth;
  /** Parent's task id → what is required of it. Acyclic, and every key is a task of the same pipeline. */
  readonly dependsOn: Readonly<Record<string, RequiredParentStatus>>;
  /** Environment, with references such as `pipeline_secret{{key}}` still in place. */
  readonly variables: Readonly<Record<string, string>>;
  /** Replaces the image's entrypoint; absent means the image's own. */
  readonly entrypoint?: readonly string[];
  /** Replaces the image's command; absent means the image's own. */
  readonly command?: readonly string[];
  readonly injectApiToken: boolean;
  readonly alwaysPullNewestImage: boolean;
}

export interface PipelineDefinition extends PipelineReliability {
  /** See `isIdentifier`. */
  readonly id: string;
  readonly name: string;
  /** Empty where none was given. */
  readonly description: string;
  /** Runs of this pipeline at once; 0 means the server's limit. */
  readonly parallelism: number;
  /** One or more, in the order of the user's program. */
  readonly tasks: readonly TaskDefinition[];
  /** One or more, in the order of the user's program; absent where it has none. */
  readonly subscriptions?: readonly SubscriptionDefinition[];
}
