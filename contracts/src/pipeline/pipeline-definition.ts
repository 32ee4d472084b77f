/**
 * A pipeline as the rest of Gofer sees it: validated, defaulted, plain data. What users' programs print (v0's SDK JSON) becomes
 * this by `parsePipelineDefinition`, and becomes v0's JSON again by `toPipelineJson`.
 */

/** Which final status of a parent lets a task run; every parent must have ended, and every one must fit. */
export type RequiredParentStatus = 'any' | 'success' | 'failure';

export interface RegistryAuth {
  readonly user: string;
  readonly pass: string;
}

export interface TaskDefinition {
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

export interface PipelineDefinition {
  /** See `isIdentifier`. */
  readonly id: string;
  readonly name: string;
  /** Empty where none was given. */
  readonly description: string;
  /** Runs of this pipeline at once; 0 means the server's limit. */
  readonly parallelism: number;
  /** One or more, in the order of the user's program. */
  readonly tasks: readonly TaskDefinition[];
}
