/** The row of a new run, with the event that tells of it. */
import { GoferError } from '@gofer/contracts';
import type { Initiator, Variable } from '@gofer/contracts/api';
import { uuidv7 } from 'uuidv7';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';

export interface NewRunFacts {
  readonly configVersion: number;
  readonly initiator: Initiator;
  readonly variables: readonly Variable[];
  readonly idempotencyKey: string | undefined;
  /** The number of the run that it repeats. */
  readonly retryOf?: number;
  readonly now: number;
}

/** In a commit. Rejects with `UNAVAILABLE` where the server or the pipeline starts no runs. */
export function insertRun(store: Store, pipeline: PipelineRecord, facts: NewRunFacts): RunRecord {
  const { namespace_id, pipeline_id, state } = pipeline.metadata;
  if (store.system.preferences().ignore_pipeline_run_events) {
    throw new GoferError(
      'UNAVAILABLE',
      'This server starts no runs at present (ignore_pipeline_run_events is set). An administrator can change that: gofer service toggle-event-ingress --on',
    );
  }
  if (state !== 'active') {
    throw new GoferError('UNAVAILABLE', `Pipeline '${pipeline_id}' is disabled. Enable it with: gofer pipeline enable ${pipeline_id}`);
  }
  const uid = uuidv7();
  const { now, ...given } = facts;
  const runId = store.runs.insert({ uid, pipelineUid: pipeline.uid, ...given, started: now, owner: store.system.instanceId });
  store.runs.setEvent(uid, store.events.emit('queued_run', { namespace_id, pipeline_id, run_id: runId }, now));
  store.trail.add('run_id', runId);
  if (facts.retryOf !== undefined) store.trail.add('retry_of', facts.retryOf);
  const run = store.runs.byUid(uid);
  if (run === undefined) throw new Error('a run that was inserted is not there');
  return run;
}
