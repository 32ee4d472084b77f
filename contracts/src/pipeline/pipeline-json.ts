/**
 * The JSON of a pipeline on the wire (v0's `UserPipelineConfig`), from a definition: every field of v0 present, unset ones `null`;
 * fields beyond v0's only where they are set.
 */

import type { PipelineDefinition, RequiredParentStatus, TaskDefinition } from './pipeline-definition.ts';
import {
  type PipelineReliabilityJson,
  type TaskReliabilityJson,
  toPipelineReliabilityJson,
  toTaskReliabilityJson,
} from './reliability-json.ts';
import { type SubscriptionJson, toSubscriptionJson } from './subscription-definition.ts';

export interface TaskJson extends TaskReliabilityJson {
  readonly id: string;
  readonly description: string;
  readonly image: string;
  readonly registry_auth: { readonly user: string; readonly pass: string } | null;
  readonly depends_on: Readonly<Record<string, 'Any' | 'Success' | 'Failure'>>;
  readonly variables: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[] | null;
  readonly command: readonly string[] | null;
  readonly inject_api_token: boolean;
  readonly always_pull_newest_image: boolean;
}

export interface PipelineJson extends PipelineReliabilityJson {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly parallelism: number;
  readonly tasks: readonly TaskJson[];
  readonly subscriptions?: readonly SubscriptionJson[];
}

const REQUIRED_STATUS_JSON = { any: 'Any', success: 'Success', failure: 'Failure' } as const satisfies Record<RequiredParentStatus, string>;

/** Must give back an equal definition when it is parsed again. */
export function toPipelineJson(definition: PipelineDefinition): PipelineJson {
  const { id, name, description, parallelism, tasks, subscriptions } = definition;
  return {
    id,
    name,
    description,
    parallelism,
    ...toPipelineReliabilityJson(definition),
    tasks: tasks.map(toTaskJson),
    ...(subscriptions === undefined ? {} : { subscriptions: subscriptions.map(toSubscriptionJson) }),
  };
}

function toTaskJson(task: TaskDefinition): TaskJson {
  const dependencies = Object.entries(task.dependsOn);
  return {
    id: task.id,
    description: task.description,
    image: task.image,
    registry_auth: task.registryAuth ?? null,
    depends_on: Object.fromEntries(dependencies.map(([parent, required]) => [parent, REQUIRED_STATUS_JSON[required]])),
    variables: task.variables,
    entrypoint: task.entrypoint ?? null,
    command: task.command ?? null,
    inject_api_token: task.injectApiToken,
    always_pull_newest_image: task.alwaysPullNewestImage,
    ...toTaskReliabilityJson(task),
  };
}
