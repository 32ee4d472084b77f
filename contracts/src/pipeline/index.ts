export {
  IDENTIFIER_RULE,
  isIdentifier,
  isObjectKey,
  isTaskId,
  OBJECT_KEY_RULE,
  TASK_ID_RULE,
} from './identifiers.ts';
export type { ImageReference, ParsedImageReference } from './image-reference.ts';
export { formatFamiliarImageReference, formatImageReference, parseImageReference } from './image-reference.ts';
export type { ParsedPipelineDefinition } from './parse-pipeline-definition.ts';
export { parsePipelineDefinition } from './parse-pipeline-definition.ts';
export type {
  Concurrency,
  PipelineDefinition,
  RegistryAuth,
  RequiredParentStatus,
  RetryBackoff,
  RetryCause,
  RetrySettings,
  TaskDefinition,
} from './pipeline-definition.ts';
export type { PipelineJson, TaskJson } from './pipeline-json.ts';
export { toPipelineJson } from './pipeline-json.ts';
export { PIPELINE_LIMITS } from './pipeline-limits.ts';
export type { PipelineReliabilityJson, TaskReliabilityJson } from './reliability-json.ts';
export { toPipelineReliabilityJson, toTaskReliabilityJson } from './reliability-json.ts';
export type { RetryPolicy } from './retry-policy.ts';
export { retryPolicyOf } from './retry-policy.ts';
export type { SubscriptionDefinition, SubscriptionJson } from './subscription-definition.ts';
export { toSubscriptionJson } from './subscription-definition.ts';
export { variableFaults } from './variable-faults.ts';
