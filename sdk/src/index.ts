export type { Duration } from './duration.ts';
export type { Concurrency } from './pipeline.ts';
export { newPipeline, Pipeline } from './pipeline.ts';
export { PipelineError } from './pipeline-error.ts';
export type { PipelineJson, SubscriptionJson, TaskJson } from './pipeline-json.ts';
export { globalSecret, pipelineObject, pipelineSecret, runObject } from './references.ts';
export type { RetryCause, RetryOptions } from './retries.ts';
export type { RequiredStatus } from './task.ts';
export { newTask, Task } from './task.ts';
