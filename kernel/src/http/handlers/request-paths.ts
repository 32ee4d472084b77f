/** What a request names, in the words of the services. */
import type { PathOf } from '@gofer/contracts/api';
import type { Page, PipelinePath, RunPath, TaskPath } from '../../services/services.ts';

/** A list's query, without what is not there. */
export function toPage({ limit, offset }: { readonly limit?: number; readonly offset?: number }): Page {
  return { ...(limit === undefined ? {} : { limit }), ...(offset === undefined ? {} : { offset }) };
}

export function toPipelinePath(path: PathOf<'get_pipeline'>): PipelinePath {
  return { namespaceId: path.namespace_id, pipelineId: path.pipeline_id };
}

export function toRunPath(path: PathOf<'get_run'>): RunPath {
  return { namespaceId: path.namespace_id, pipelineId: path.pipeline_id, runId: path.run_id };
}

export function toTaskPath(path: PathOf<'get_logs'>): TaskPath {
  return { namespaceId: path.namespace_id, pipelineId: path.pipeline_id, runId: path.run_id, taskId: path.task_id };
}
