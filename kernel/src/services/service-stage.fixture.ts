/** The services over a database, an orchestrator and logs of their own, as the boot puts them together. */
import type { Run } from '@gofer/contracts/api';
import { type PipelineOptions, pipelineJson, RunStage, type StageOptions, type TaskJson } from '../orchestrator/run-stage.fixture.ts';
import type { SubscriptionKey } from '../storage/subscriptions-table.ts';
import { RunningTaskAttachService } from './attach-service.ts';
import { StoredConfigService } from './config-service.ts';
import { Deletions } from './deletions.ts';
import { StoredDeploymentService } from './deployment-service.ts';
import { DiskReserve, type WatchedDirectory } from './disk-reserve.ts';
import { StoredEventService } from './event-service.ts';
import { StoredLogService } from './log-service.ts';
import { Lookup } from './lookup.ts';
import { StoredNamespaceService } from './namespace-service.ts';
import { StoredObjectService } from './object-service.ts';
import { StoredPipelineService } from './pipeline-service.ts';
import { Readiness } from './readiness.ts';
import { StoredRunService } from './run-service.ts';
import { StoredSecretService } from './secret-service.ts';
import type { PipelinePath, RunPath, RunService } from './services.ts';
import { StoredSystemService } from './system-service.ts';
import { StoredTaskExecutionService } from './task-execution-service.ts';

export const NEVER = new AbortController().signal;
export const INITIATOR = { id: 'test', user: 'test' };
export const PIPELINE_OBJECT_LIMIT = 3;
export const EVENT_RETENTION_MS = 3_600_000;
const MINUTE_MS = 60_000;

export function at(pipelineId: string, namespaceId = 'default'): PipelinePath {
  return { namespaceId, pipelineId };
}

/** Who asks in these tests. */
export const ANN = { id: 'ann', user: 'ann' };

export class ServiceStage {
  readonly stage: RunStage;
  readonly system: StoredSystemService;
  readonly namespaces: StoredNamespaceService;
  readonly pipelines: StoredPipelineService;
  readonly configs: StoredConfigService;
  readonly deployments: StoredDeploymentService;
  readonly runs: StoredRunService;
  readonly tasks: StoredTaskExecutionService;
  readonly attach: RunningTaskAttachService;
  readonly logs: StoredLogService;
  readonly objects: StoredObjectService;
  readonly secrets: StoredSecretService;
  readonly events: StoredEventService;
  readonly deletions: Deletions;
  /** For a test that has extensions. */
  tellExtension: (subscription: SubscriptionKey) => void = () => undefined;
  /** Directories that are to have more room than any disk has: with one of them no run starts. */
  readonly watched: WatchedDirectory[] = [];
  /** The time by which a look at the disk ages: each one is a new one. */
  #looked = 0;
  readonly #leave = new AbortController();

  private constructor(stage: RunStage) {
    const { store, orchestrator, logs, dag } = stage;
    const lookup = new Lookup(store, orchestrator.configs);
    const now = Date.now;
    this.stage = stage;
    const disk = new DiskReserve({
      directories: this.watched,
      minimumBytes: Number.MAX_SAFE_INTEGER,
      now: () => (this.#looked += MINUTE_MS),
    });
    const readiness = new Readiness({
      checks: [],
      diskShortages: () => [],
      recoveringRuns: () => 0,
      watchdog: () => ({ checks: 0, mended: 0 }),
      now,
      failed: () => undefined,
    });
    this.system = new StoredSystemService(store, { commit: 'c', semver: '1.0.0' }, () => stage.scheduler.health(), readiness);
    const log = (level: string, message: string): void => void stage.logged.push(`${level} ${message}`);
    const { objects, secrets } = stage.stores;
    this.deletions = new Deletions({ store, orchestrator, logs, objects, secrets, log, now, leave: this.#leave.signal });
    const { deletions } = this;
    this.pipelines = new StoredPipelineService({ store, lookup, deletions, tellExtension: (key) => this.tellExtension(key), now });
    this.namespaces = new StoredNamespaceService(store, now, (id) => this.pipelines.deleteAllOf(id));
    this.configs = new StoredConfigService({ store, lookup, configs: orchestrator.configs, dag, secrets, now });
    this.deployments = new StoredDeploymentService(store, lookup);
    this.runs = new StoredRunService({ store, lookup, orchestrator, deletions, disk, now, stopGraceMs: 1000 });
    this.tasks = new StoredTaskExecutionService(store, lookup, orchestrator, Date.now);
    this.attach = new RunningTaskAttachService({
      store,
      lookup,
      orchestrator,
      schedulers: [{ engine: 'fake', scheduler: stage.scheduler }],
    });
    this.logs = new StoredLogService({ store, lookup, orchestrator, logs });
    this.objects = new StoredObjectService({ store, lookup, objects, pipelineObjectLimit: PIPELINE_OBJECT_LIMIT, now });
    this.secrets = new StoredSecretService({ store, lookup, secrets, now });
    this.events = new StoredEventService(store, EVENT_RETENTION_MS, now);
  }

  static async open(options: StageOptions): Promise<ServiceStage> {
    const services = new ServiceStage(await RunStage.open(options));
    await services.namespaces.ensureDefault();
    return services;
  }

  /** The services of the same directory after a restart. */
  static over(stage: RunStage): ServiceStage {
    return new ServiceStage(stage);
  }

  async close(): Promise<void> {
    this.#leave.abort();
    await this.stage.close();
  }

  /** Registers the next version and makes it live. */
  async deploy(
    pipelineId: string,
    tasks: readonly TaskJson[],
    { namespaceId, ...options }: PipelineOptions & { namespaceId?: string } = {},
  ): Promise<PipelinePath> {
    const path = at(pipelineId, namespaceId);
    const { config } = await this.configs.register(path, pipelineJson(pipelineId, tasks, options));
    await this.configs.deploy(path, config?.version ?? 0);
    return path;
  }

  start(path: PipelinePath, options: Partial<Parameters<RunService['start']>[1]> = {}): Promise<Run> {
    return this.runs.start(path, { variables: {}, initiator: INITIATOR, mayRead: () => true, ...options });
  }

  async startAndEnd(path: PipelinePath): Promise<Run> {
    const { run_id: runId } = await this.start(path);
    return this.runs.wait({ ...path, runId }, 30, NEVER);
  }

  /** Resolves when the task is running. */
  async running(path: RunPath, taskId: string): Promise<void> {
    const uid = this.stage.store.runs.find(this.uidOf(path), path.runId)?.uid ?? '';
    await this.stage.until(uid, () => this.stage.tasks(uid)[taskId]?.state === 'running');
  }

  uidOf(path: PipelinePath): string {
    return this.stage.store.pipelines.find(path.namespaceId, path.pipelineId)?.uid ?? '';
  }
}
