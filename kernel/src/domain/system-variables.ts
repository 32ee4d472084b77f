import type { VariableValues } from './variables.ts';

export interface SystemVariableFacts {
  readonly namespaceId: string;
  readonly pipelineId: string;
  /** The run's number within its pipeline. */
  readonly runId: number;
  readonly taskId: string;
  /** As the user wrote it. */
  readonly image: string;
  /** 1 for the first. */
  readonly attempt: number;
}

/** What every task is told about itself. */
export function systemVariables(facts: SystemVariableFacts): VariableValues {
  return {
    GOFER_NAMESPACE_ID: facts.namespaceId,
    GOFER_PIPELINE_ID: facts.pipelineId,
    GOFER_RUN_ID: String(facts.runId),
    GOFER_RUN_ATTEMPT: String(facts.attempt),
    GOFER_TASK_ID: facts.taskId,
    GOFER_TASK_IMAGE: facts.image,
  };
}
