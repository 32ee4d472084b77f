/** A run that repeats another one: a new run of the same variables, which links to it and may take over what was successful. */
import { GoferError } from '@gofer/contracts';
import type { Initiator } from '@gofer/contracts/api';
import { tasksToTakeOver, versionForRun } from '../domain/index.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';
import type { Lookup } from './lookup.ts';
import { insertRun } from './new-run.ts';
import type { RunPath } from './services.ts';

export interface RetryRequest {
  /** Which configuration it gets: the earlier run's, the one that is deployed now, or one by its number. */
  readonly version: 'same' | 'live' | number;
  /** Repeats what was not successful and what depends on it; the rest, and the run's objects, are taken over. */
  readonly fromFailed: boolean;
  readonly initiator: Initiator;
}

/** In a commit. */
export function insertRetry(store: Store, lookup: Lookup, path: RunPath, request: RetryRequest, now: number): RunRecord {
  const { pipeline, run } = lookup.run(path);
  if (run.state !== 'complete') {
    throw new GoferError(
      'FAILED_PRECONDITION',
      `Run ${path.runId} of pipeline '${path.pipelineId}' has not ended, and only a run that has can be repeated. See what it waits for: gofer run why ${path.pipelineId} ${path.runId}`,
    );
  }
  const configVersion = versionOf(store, lookup, pipeline, run, request.version);
  const taken = request.fromFailed ? findTaken(store, lookup, pipeline, run, configVersion) : [];
  const retry = insertRun(store, pipeline, {
    configVersion,
    initiator: request.initiator,
    variables: run.variables,
    idempotencyKey: undefined,
    retryOf: run.runId,
    now,
  });
  for (const taskId of taken) store.taskExecutions.takeOver(retry.uid, taskId, run);
  // Of those that are expiring only some may be left.
  if (request.fromFailed && !run.objectsExpired) store.objects.copy(run.uid, retry.uid);
  return retry;
}

function versionOf(store: Store, lookup: Lookup, pipeline: PipelineRecord, run: RunRecord, wanted: RetryRequest['version']): number {
  if (wanted === 'same') return lookup.config(pipeline, run.configVersion).version;
  if (wanted !== 'live') return lookup.config(pipeline, wanted).version;
  const live = store.configs.states(pipeline.uid).filter(({ state }) => state === 'live');
  const version = versionForRun(
    live.map((config) => ({ version: config.version, share: 1 })),
    0,
  );
  if (version !== undefined) return version;
  throw new GoferError(
    'FAILED_PRECONDITION',
    `No version of pipeline '${pipeline.metadata.pipeline_id}' is live. Name one, or repeat the same.`,
  );
}

function findTaken(store: Store, lookup: Lookup, pipeline: PipelineRecord, run: RunRecord, version: number): readonly string[] {
  const { tasks } = lookup.config(pipeline, version).definition;
  const statuses = new Map(store.taskExecutions.list(run.uid).map(({ taskId, status }) => [taskId, status]));
  const taken = tasksToTakeOver(tasks, (taskId) => {
    const status = statuses.get(taskId);
    return status === 'unknown' ? undefined : status;
  });
  const name = `Run ${run.runId} of pipeline '${pipeline.metadata.pipeline_id}'`;
  if (taken.size === tasks.length)
    throw new GoferError('FAILED_PRECONDITION', `${name} has no task that did not succeed. Repeat all of it, without --from-failed.`);
  if (run.objectsExpired && taken.size > 0)
    throw new GoferError(
      'GONE',
      `The objects of ${name} have expired, which its tasks would need. Repeat all of it, without --from-failed.`,
    );
  return [...taken];
}
