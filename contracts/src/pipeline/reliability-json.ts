/** Time limits, retries and concurrency on the wire: each field only where it is set, so that JSON without them is v0's. */

import type { Concurrency, PipelineReliability, RetryBackoff, RetryCause, TaskReliability } from './pipeline-definition.ts';

export type ConcurrencyJson = 'queue' | 'cancel_oldest' | 'cancel_newest';

interface CommonJson {
  /** Seconds. */
  readonly timeout?: number;
  /** Seconds. */
  readonly start_timeout?: number;
  readonly retries?: number;
  readonly retry_on?: readonly RetryCause[];
  readonly retry_backoff?: RetryBackoff;
}

export interface TaskReliabilityJson extends CommonJson {
  readonly always?: true;
}

export interface PipelineReliabilityJson extends CommonJson {
  readonly concurrency?: ConcurrencyJson;
}

export const CONCURRENCY_JSON = {
  queue: 'queue',
  cancelOldest: 'cancel_oldest',
  cancelNewest: 'cancel_newest',
} as const satisfies Record<Concurrency, ConcurrencyJson>;

export function toTaskReliabilityJson(task: TaskReliability): TaskReliabilityJson {
  return { ...toCommonJson(task), ...(task.always === true ? { always: true } : undefined) };
}

export function toPipelineReliabilityJson(pipeline: PipelineReliability): PipelineReliabilityJson {
  const { concurrency } = pipeline;
  return { ...toCommonJson(pipeline), ...(concurrency === undefined ? undefined : { concurrency: CONCURRENCY_JSON[concurrency] }) };
}

function toCommonJson(reliability: TaskReliability | PipelineReliability): CommonJson {
  const { timeout, startTimeout, retries, retryOn, retryBackoff } = reliability;
  return {
    ...(timeout === undefined ? undefined : { timeout }),
    ...(startTimeout === undefined ? undefined : { start_timeout: startTimeout }),
    ...(retries === undefined ? undefined : { retries }),
    ...(retryOn === undefined ? undefined : { retry_on: retryOn }),
    ...(retryBackoff === undefined ? undefined : { retry_backoff: retryBackoff }),
  };
}
