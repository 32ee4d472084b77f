/**
 * What a pipeline program prints, and the body of a pipeline's registration (Gofer's wire format, version 0).
 * Field names and the spelling of the statuses are the wire's.
 */

export interface PipelineJson {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  /** Runs at once; 0 is the server's limit. */
  readonly parallelism: number;
  readonly tasks: readonly TaskJson[];
}

export interface TaskJson {
  readonly id: string;
  readonly description: string | null;
  readonly image: string;
  readonly registry_auth: { readonly user: string; readonly pass: string } | null;
  /** By the id of the task that is waited for. */
  readonly depends_on: Readonly<Record<string, 'Any' | 'Success' | 'Failure'>>;
  readonly variables: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  readonly inject_api_token: boolean;
  readonly always_pull_newest_image: boolean;
}
