/** From records of the database to resources of the wire. */
import type { Attempt, Cancellation, Deployment, PipelineConfig, Run, Task, TaskExecution } from '@gofer/contracts/api';
import {
  type PipelineDefinition,
  type TaskDefinition,
  toPipelineReliabilityJson,
  toSubscriptionJson,
  toTaskReliabilityJson,
} from '@gofer/contracts/pipeline';
import { type Actor, describeNext, describeWaiting, isReference, type Waiting } from '../domain/index.ts';
import type { AttemptRecord, LateResult } from '../storage/attempts-table.ts';
import type { ConfigRecord } from '../storage/configs-table.ts';
import type { DeploymentRecord } from '../storage/deployments-table.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { TaskRecord } from '../storage/task-executions-table.ts';

/** What an answer shows where a credential is kept. */
const REDACTED = '[redacted]';

export function toTask(task: TaskDefinition): Task {
  return {
    id: task.id,
    description: task.description,
    image: task.image,
    registry_auth:
      task.registryAuth === undefined
        ? null
        : { user: task.registryAuth.user, pass: isReference(task.registryAuth.pass) ? task.registryAuth.pass : REDACTED },
    depends_on: { ...task.dependsOn },
    variables: Object.entries(task.variables).map(([key, value]) => ({ key, value, source: 'pipeline_config' as const })),
    entrypoint: task.entrypoint === undefined ? null : [...task.entrypoint],
    command: task.command === undefined ? null : [...task.command],
    inject_api_token: task.injectApiToken,
    always_pull_newest_image: task.alwaysPullNewestImage,
    ...toTaskReliabilityJson(task),
  };
}

export function toPipelineConfig(pipeline: PipelineRecord, record: ConfigRecord): PipelineConfig {
  const { definition } = record;
  const { namespace_id, pipeline_id } = pipeline.metadata;
  return {
    namespace_id,
    pipeline_id,
    version: record.version,
    parallelism: definition.parallelism,
    name: definition.name,
    description: definition.description,
    tasks: Object.fromEntries(definition.tasks.map((task) => [task.id, toTask(task)])),
    state: record.state,
    registered: record.registered,
    deprecated: record.deprecated,
    ...toPipelineReliabilityJson(definition),
    ...(definition.subscriptions === undefined ? {} : { subscriptions: definition.subscriptions.map(toSubscriptionJson) }),
  };
}

export function toDeployment(pipeline: PipelineRecord, record: DeploymentRecord): Deployment {
  const { namespace_id, pipeline_id } = pipeline.metadata;
  return {
    namespace_id,
    pipeline_id,
    deployment_id: record.deploymentId,
    start_version: record.startVersion,
    end_version: record.endVersion,
    started: record.started,
    ended: record.ended,
    state: 'Complete',
    status: 'Successful',
    status_reason: null,
    logs: [],
  };
}

export function toRun(pipeline: PipelineRecord, run: RunRecord, waiting: Waiting | undefined): Run {
  const { namespace_id, pipeline_id } = pipeline.metadata;
  return {
    namespace_id,
    pipeline_id,
    pipeline_config_version: run.configVersion,
    run_id: run.runId,
    started: run.started,
    ended: run.ended,
    state: run.state,
    status: run.status,
    status_reason: run.statusReason ?? null,
    initiator: run.initiator,
    variables: [...run.variables],
    token_id: run.tokenId ?? null,
    store_objects_expired: run.objectsExpired,
    event_id: run.eventId ?? null,
    begun: run.begun,
    ...(run.retryOf === undefined ? {} : { retry_of: run.retryOf }),
    ...(run.cancellation === undefined ? {} : { cancellation: toCancellation(run.cancellation) }),
    ...toWaiting(waiting),
  };
}

function toCancellation({ at, description, by }: { at: number; description: string; by?: Actor }): Cancellation {
  return { at, description, ...(by === undefined ? {} : { by }) };
}

function toWaiting(waiting: Waiting | undefined): Pick<Run, 'waiting' | 'waiting_reason'> {
  if (waiting === undefined) return {};
  const { reason, since, until } = waiting;
  const message = describeWaiting(reason);
  const limit = until === undefined ? {} : { until: Math.round(until) };
  return {
    waiting_reason: message,
    waiting: { kind: reason.kind, message, since: Math.round(since), ...limit, next: describeNext(waiting) },
  };
}

export function toAttempt(record: AttemptRecord): Attempt {
  return {
    attempt: record.number,
    id: record.uid,
    engine: record.engine,
    state: record.state,
    status: record.status,
    exit_code: record.exitCode ?? null,
    started: record.started,
    ended: record.ended,
    ...(record.statusReason === undefined ? {} : { status_reason: record.statusReason }),
    ...(record.late === undefined ? {} : { late: toLate(record.late) }),
    ...(record.log === undefined ? {} : { log: record.log }),
  };
}

function toLate({ exitCode, description, seen }: LateResult): NonNullable<Attempt['late']> {
  return { description, seen, ...(exitCode === undefined ? {} : { exit_code: exitCode }) };
}

/** `record` is undefined for a task that still waits for its parents. */
export function toTaskExecution(
  pipeline: PipelineRecord,
  run: RunRecord,
  task: TaskDefinition,
  record: TaskRecord | undefined,
  attempts: readonly AttemptRecord[],
  waiting: Waiting | undefined,
): TaskExecution {
  const { namespace_id, pipeline_id } = pipeline.metadata;
  const latest = attempts.at(-1);
  return {
    namespace_id,
    pipeline_id,
    run_id: run.runId,
    task_id: task.id,
    created: record?.created ?? run.started,
    started: record?.started ?? 0,
    ended: record?.ended ?? 0,
    exit_code: record?.exitCode ?? null,
    logs_expired: latest?.logsExpired ?? run.logsExpired,
    logs_removed: latest?.logsRemoved ?? false,
    state: record?.state ?? 'waiting',
    status: record?.status ?? 'unknown',
    status_reason: record?.statusReason ?? null,
    variables: record === undefined ? [] : [...record.variables],
    task: toTask(task),
    ...toWaiting(waiting),
    ...(record?.cancellation === undefined ? {} : { cancellation: toCancellation(record.cancellation) }),
    ...(record?.takenFrom === undefined ? {} : { taken_from_run: record.takenFrom }),
    ...(latest === undefined ? {} : { attempt: latest.number }),
    attempts: attempts.map(toAttempt),
    ...(latest?.log === undefined ? {} : { log: latest.log }),
    ...(latest === undefined || latest.warnings.length === 0 ? {} : { warnings: [...latest.warnings] }),
  };
}

export function taskOf(definition: PipelineDefinition, taskId: string): TaskDefinition | undefined {
  return definition.tasks.find((task) => task.id === taskId);
}
