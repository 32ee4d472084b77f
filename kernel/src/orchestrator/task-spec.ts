/** What the scheduler is told of one attempt. */
import type { TaskSpec } from '@gofer/contracts';
import type { TaskDefinition } from '@gofer/contracts/pipeline';
import { engineLabel } from '../domain/engine-label.ts';

export interface TaskIdentity {
  readonly instanceId: string;
  readonly namespaceId: string;
  readonly pipelineUid: string;
  readonly runUid: string;
  readonly attemptUid: string;
  readonly engine: string;
}

/** What a task is given, with every reference looked up. */
export interface TaskEnvironment {
  readonly env: Readonly<Record<string, string>>;
  readonly registryAuth?: { readonly username: string; readonly password: string };
  /** True: a secret is among it. */
  readonly sensitive: boolean;
}

export function taskSpec(task: TaskDefinition, environment: TaskEnvironment, identity: TaskIdentity): TaskSpec {
  return {
    attemptId: identity.attemptUid,
    image: task.image,
    ...(task.entrypoint === undefined ? {} : { entrypoint: task.entrypoint }),
    ...(task.command === undefined ? {} : { command: task.command }),
    env: environment.env,
    ...(environment.sensitive ? { sensitive: true } : {}),
    ...(environment.registryAuth === undefined ? {} : { registryAuth: environment.registryAuth }),
    pullPolicy: task.alwaysPullNewestImage ? 'always' : 'missing',
    limits: {},
    ports: [],
    labels: {
      instance: identity.instanceId,
      namespace: identity.namespaceId,
      pipeline: identity.pipelineUid,
      run: identity.runUid,
      task: task.id,
      attempt: identity.attemptUid,
      engine: engineLabel(identity.engine),
    },
  };
}
