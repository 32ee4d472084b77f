/** What works behind the front: the database, logs and graphs, the bodies of objects and secrets, runs, and what ends them all. */
import type { LoadedServerConfig } from '@gofer/config';
import type { PluginLog } from '@gofer/contracts';
import { Orchestrator } from '../orchestrator/orchestrator.ts';
import { Expiry } from '../retention/expiry.ts';
import { Retention } from '../retention/retention.ts';
import { makePrivateDirectory } from '../storage/private-directory.ts';
import { Store } from '../storage/store.ts';
import { ObjectBodies } from '../stores/object-bodies.ts';
import { References } from '../stores/references.ts';
import { SecretValues } from '../stores/secret-values.ts';
import { HybridDagEngine } from '../workers/dag/index.ts';
import { createThreadedLogStore } from '../workers/logs/index.ts';
import type { Container } from './container.ts';
import { TaskListener } from './task-listener.ts';
import { TOKENS } from './tokens.ts';

export function registerStores(container: Container, { config }: LoadedServerConfig, log: PluginLog): void {
  container.register(
    TOKENS.store,
    () => Store.open(config.server.storage_path),
    (store) => store.close(),
  );
  container.register(
    TOKENS.dag,
    () => new HybridDagEngine({ threads: config.workers.dag_threads }),
    (dag) => dag.close(),
  );
  container.register(
    TOKENS.logs,
    () => {
      const directory = config.api.task_execution_logs_dir;
      makePrivateDirectory(directory);
      return createThreadedLogStore({
        directory,
        threads: config.workers.log_threads,
        onThreadDeath: (error) => log('error', 'a log thread died and was replaced', { error: String(error) }),
      });
    },
    (logs) => logs.close(),
  );
}

/** What belongs to nobody is removed behind everybody's back until the bodies close. */
export function registerBodies(container: Container, { config }: LoadedServerConfig, log: PluginLog): void {
  container.register(
    TOKENS.objects,
    () => {
      const { objects: objectStore } = container.resolve(TOKENS.stores);
      const maxObjectSize = config.object_store.max_object_size;
      return new ObjectBodies({ store: container.resolve(TOKENS.store), objectStore, maxObjectSize, log });
    },
    (objects) => objects.close(),
  );
  container.register(
    TOKENS.secrets,
    () => new SecretValues({ store: container.resolve(TOKENS.store), secretStore: container.resolve(TOKENS.stores).secrets, log }),
    (secrets) => secrets.close(),
  );
  container.register(TOKENS.references, () => {
    const [store, objects, secrets] = [
      container.resolve(TOKENS.store),
      container.resolve(TOKENS.objects),
      container.resolve(TOKENS.secrets),
    ];
    return new References({ store, objects, secrets });
  });
}

export function registerWork(container: Container, { config }: LoadedServerConfig): void {
  container.register(TOKENS.taskListener, () => new TaskListener());
  container.register(
    TOKENS.orchestrator,
    () => {
      const schedulers = container.resolve(TOKENS.schedulers);
      return new Orchestrator({
        store: container.resolve(TOKENS.store),
        dag: container.resolve(TOKENS.dag),
        logs: container.resolve(TOKENS.logs),
        references: container.resolve(TOKENS.references),
        secrets: container.resolve(TOKENS.secrets),
        taskAccess: container.resolve(TOKENS.taskListener),
        runEnded: (pipelineUid) => container.resolve(TOKENS.retention).runEnded(pipelineUid),
        schedulers,
        limits: {
          globalRuns: config.api.global_run_concurrency_limit,
          pipelineRuns: config.api.pipeline_run_concurrency_limit,
          // What costs nothing to run is not held back.
          runningTasks: schedulers[0].engine === 'fake' ? 0 : config.scheduler.max_running_tasks,
        },
        stopGraceMs: config.api.task_execution_stop_timeout * 1000,
        log: container.resolve(TOKENS.log),
      });
    },
    async (orchestrator) => {
      container.resolve(TOKENS.leave).abort();
      await orchestrator.close();
    },
  );
}

export function registerRetention(container: Container, { config }: LoadedServerConfig, log: PluginLog): void {
  const { api, external_events, object_store } = config;
  container.register(
    TOKENS.retention,
    () => {
      const store = container.resolve(TOKENS.store);
      const leave = container.resolve(TOKENS.leave).signal;
      const limits = {
        logRuns: api.task_execution_log_retention,
        objectRuns: object_store.run_object_expiry,
        versions: api.pipeline_version_retention,
        eventsMs: api.event_log_retention * 1000,
        auditMs: api.audit_retention * 1000,
        deliveriesMs: external_events.delivery_retention * 1000,
      };
      const [logs, objects, secrets] = [
        container.resolve(TOKENS.logs),
        container.resolve(TOKENS.objects),
        container.resolve(TOKENS.secrets),
      ];
      const expiry = new Expiry({ store, logs, objects, secrets, limits, now: Date.now, leave });
      return new Retention({ store, expiry, intervalMs: api.event_prune_interval * 1000, log, leave });
    },
    async (retention) => {
      container.resolve(TOKENS.leave).abort();
      await retention.close();
    },
  );
}
