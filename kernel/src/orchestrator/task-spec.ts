/** What the scheduler is told of one attempt. */
import type { TaskSpec } from '@gofer/contracts';
import type { TaskDefinition } from '@gofer/contracts/pipeline';
import { toEnvironment, type Variable } from '../domain/index.ts';

export interface TaskIdentity {
  readonly instanceId: string;
  readonly namespaceId: string;
  readonly pipelineUid: string;
  readonly runUid: string;
  readonly attemptUid: string;
  readonly engine: string;
}

export function taskSpec(task: TaskDefinition, variables: readonly Variable[], identity: TaskIdentity): TaskSpec {
  return {
    attemptId: identity.attemptUid,
    image: task.image,
    ...(task.entrypoint === undefined ? {} : { entrypoint: task.entrypoint }),
    ...(task.command === undefined ? {} : { command: task.command }),
    env: toEnvironment(variables),
    ...(task.registryAuth === undefined ? {} : { registryAuth: { username: task.registryAuth.user, password: task.registryAuth.pass } }),
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
      // A package or path given as the engine is no label value; its name's own characters are.
      engine: identity.engine.replace(/[^A-Za-z0-9._-]+/g, '-').slice(-63),
    },
  };
}
