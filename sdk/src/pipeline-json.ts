/**
 * What a pipeline program prints, and the body of a pipeline's registration (Gofer's wire format, version 0).
 * Field names and the spelling of the statuses are the wire's. Optional fields are there only where the program sets them.
 */
import type { RetryCause } from './retries.ts';

export interface RetriesJson {
  /** Further attempts after the first. */
  readonly retries?: number;
  readonly retry_on?: readonly RetryCause[];
  /** Seconds and a factor. */
  readonly retry_backoff?: { readonly initial?: number; readonly maximum?: number; readonly factor?: number };
}

/** Seconds. */
export interface TimeLimitsJson {
  readonly timeout?: number;
  readonly start_timeout?: number;
}

export interface PipelineJson extends TimeLimitsJson, RetriesJson {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  /** Runs at once; 0 is the server's limit. */
  readonly parallelism: number;
  readonly concurrency?: 'queue' | 'cancel_oldest' | 'cancel_newest';
  readonly tasks: readonly TaskJson[];
  readonly subscriptions?: readonly SubscriptionJson[];
}

export interface SubscriptionJson {
  readonly extension_id: string;
  readonly subscription_id: string;
  readonly settings: Readonly<Record<string, string>>;
}

export interface TaskJson extends TimeLimitsJson, RetriesJson {
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
  readonly always?: true;
}
