import { GoferError } from '@gofer/contracts';
import type { Permission } from '@gofer/contracts/api';
import type { Actor } from '../../domain/index.ts';
import type { CancelRequest, Services } from '../../services/services.ts';
import { mayReadEvent } from '../access/event-visibility.ts';
import type { JsonHandlers } from '../route-request.ts';
import type { ExtensionHandlers } from './extension-handlers.ts';
import type { IdentityHandlers } from './identity-handlers.ts';
import { NEEDED_TO_READ } from './needed-to-read.ts';
import type { ObjectHandlers } from './object-handlers.ts';
import { toPage, toPipelinePath, toRunPath, toTaskPath } from './request-paths.ts';
import type { SecretHandlers } from './secret-handlers.ts';

const READ_NAMESPACES: Permission = { action: 'read', resources: ['namespaces'] };
const READ_PIPELINES: Permission = { action: 'read', resources: ['namespaces', 'pipelines'] };

type OwnHandlers = Omit<JsonHandlers, keyof ObjectHandlers | keyof SecretHandlers | keyof IdentityHandlers | keyof ExtensionHandlers>;

/**
 * Binds the JSON operations to their use cases (those of objects, secrets and identity have files of their own); one that is missing does not compile. `stopTimeout`: the
 * seconds that a task has to end where its cancellation names none.
 */
export function createJsonHandlers(services: Services, stopTimeout: number): OwnHandlers {
  const { system, namespaces, pipelines, configs, deployments, runs, taskExecutions, logs, events } = services;
  return {
    get_system_metadata: () => system.metadata(),
    get_system_health: () => system.health(),
    get_system_preferences: () => system.preferences(),
    update_system_preferences: async ({ body }) => {
      const ignore = body.ignore_pipeline_run_events;
      await system.updatePreferences(typeof ignore === 'boolean' ? { ignorePipelineRunEvents: ignore } : {});
      return {};
    },

    // A list shows what the caller could get one by one.
    list_namespaces: async ({ query, may }) => ({
      namespaces: await namespaces.list(toPage(query), may('admin') ? undefined : (id) => may(READ_NAMESPACES, { namespace_id: id })),
    }),
    create_namespace: async ({ body: { id, name, description } }) => ({ namespace: await namespaces.create({ id, name, description }) }),
    get_namespace: async ({ path }) => ({ namespace: await namespaces.get(path.namespace_id) }),
    update_namespace: async ({ path, body: { name, description } }) => {
      const change = { ...(typeof name === 'string' ? { name } : {}), ...(typeof description === 'string' ? { description } : {}) };
      return { namespace: await namespaces.update(path.namespace_id, change) };
    },
    delete_namespace: ({ path }) => namespaces.delete(path.namespace_id),

    list_pipelines: async ({ path, query, may }) => {
      const mayRead = (id: string) => may(READ_PIPELINES, { ...path, pipeline_id: id });
      return { pipelines: await pipelines.list(path.namespace_id, toPage(query), may('admin') ? undefined : mayRead) };
    },
    get_pipeline: async ({ path }) => ({ pipeline: await pipelines.get(toPipelinePath(path)) }),
    update_pipeline: async ({ path, body: { state } }) => {
      if (state === 'unknown') {
        const fault = { path: '$.state', message: 'must be active or disabled' };
        throw new GoferError('INVALID_ARGUMENT', `The body cannot be used: ${fault.path} ${fault.message}.`, { details: [fault] });
      }
      if (state === undefined || state === null) await pipelines.get(toPipelinePath(path));
      else await pipelines.setState(toPipelinePath(path), state);
    },
    delete_pipeline: ({ path }) => pipelines.delete(toPipelinePath(path)),

    list_configs: async ({ path, query }) => ({ configs: await configs.list(toPipelinePath(path), toPage(query)) }),
    register_config: async ({ path, body }) => ({ pipeline: await configs.register(toPipelinePath(path), body.config) }),
    get_config: async ({ path }) => ({ config: await configs.get(toPipelinePath(path), path.version) }),
    deploy_config: async ({ path }) => ({ deployment: await configs.deploy(toPipelinePath(path), path.version) }),
    delete_config: ({ path }) => configs.delete(toPipelinePath(path), path.version),

    list_deployments: async ({ path, query }) => ({ deployments: await deployments.list(toPipelinePath(path), toPage(query)) }),
    get_deployment: async ({ path }) => ({ deployment: await deployments.get(toPipelinePath(path), path.deployment_id) }),

    list_runs: async ({ path, query }) => ({ runs: await runs.list(toPipelinePath(path), query) }),
    start_run: async (request) => {
      const { path, query, headers, body, principal } = request;
      const pipeline = toPipelinePath(path);
      const { 'idempotency-key': key, 'gofer-delivery-id': deliveryId } = headers;
      const extensionId = principal.extension?.id;
      const run = await runs.start(pipeline, {
        variables: body.variables ?? {},
        initiator: toActor(principal),
        mayRead: (what) => request.may(NEEDED_TO_READ[what]),
        ...(key === undefined ? {} : { idempotencyKey: key }),
        ...(extensionId === undefined || deliveryId === undefined ? {} : { because: { extensionId, deliveryId } }),
      });
      if (query.wait === undefined) return { run };
      return { run: await runs.wait({ ...pipeline, runId: run.run_id }, query.wait, request.signal) };
    },
    get_run: async (request) => {
      const { path, query } = request;
      return { run: await (query.wait === undefined ? runs.get(toRunPath(path)) : runs.wait(toRunPath(path), query.wait, request.signal)) };
    },
    cancel_run: ({ path, query, principal }) =>
      query.purge ? runs.purge(toRunPath(path)) : runs.cancel(toRunPath(path), toCancelRequest(query, principal)),
    cancel_runs: async ({ path, query, principal }) => ({
      run_ids: await runs.cancelAll(toPipelinePath(path), toCancelRequest(query, principal)),
    }),
    retry_run: async (request) => {
      const { path, body, principal } = request;
      const run = await runs.retry(toRunPath(path), {
        version: body.version ?? 'same',
        fromFailed: body.from_failed ?? false,
        initiator: toActor(principal),
        mayRead: (what) => request.may(NEEDED_TO_READ[what]),
      });
      return { run };
    },

    list_task_executions: async ({ path, query }) => ({ task_executions: await taskExecutions.list(toRunPath(path), toPage(query)) }),
    get_task_execution: async ({ path }) => ({ task_execution: await taskExecutions.get(toTaskPath(path)) }),
    cancel_task_execution: ({ path, query, principal }) =>
      taskExecutions.cancel(toTaskPath(path), toActor(principal), query.wait_for ?? stopTimeout),
    delete_logs: ({ path }) => logs.delete(toTaskPath(path)),

    get_event: async ({ path, may }) => {
      const event = await events.get(path.event_id);
      if (!mayReadEvent(may, event)) throw new GoferError('NOT_FOUND', `Event '${path.event_id}' does not exist.`);
      return { event };
    },
    delete_event: ({ path }) => events.delete(path.event_id),
  };
}

function toActor({ id, user }: Actor): Actor {
  return { id, user };
}

function toCancelRequest({ force, wait_for }: { force: boolean; wait_for?: number }, by: Actor): CancelRequest {
  return { by: toActor(by), force, ...(wait_for === undefined ? {} : { graceSeconds: wait_for }) };
}
