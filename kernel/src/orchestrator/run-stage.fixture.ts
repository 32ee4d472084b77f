/** A database file, logs, a scheduler and an orchestrator in a directory of their own; may be left like a server that dies, and opened again. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PluginHost, PluginInstance, Scheduler, TaskHandle } from '@gofer/contracts';
import { parsePipelineDefinition } from '@gofer/contracts/pipeline';
import SQLite from 'better-sqlite3';
import { uuidv7 } from 'uuidv7';
import { describeWaiting, type Waiting } from '../domain/index.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import { Store } from '../storage/store.ts';
import type { TaskRecord } from '../storage/task-executions-table.ts';
import { TestStores } from '../stores/test-stores.fixture.ts';
import type { DagEngine } from '../workers/dag/dag-engine.ts';
import { InlineDagEngine } from '../workers/dag/index.ts';
import { createInlineLogStore, type LogStore } from '../workers/logs/index.ts';
import { Orchestrator } from './orchestrator.ts';

/** A disk in memory where there is one: these tests are about what follows what, not about how long a disk takes. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export type AnyScheduler = Scheduler & PluginInstance;

export interface StageOptions {
  readonly scheduler: (host: PluginHost) => Promise<AnyScheduler>;
  readonly limits?: { readonly globalRuns?: number; readonly pipelineRuns?: number; readonly runningTasks?: number };
  readonly dag?: () => DagEngine;
  readonly engine?: string;
  readonly openStore?: (path: string) => Store;
  readonly runEnded?: (pipelineUid: string) => void;
}

/** A task of v0's JSON, whatever a test says of it. */
export interface TaskJson {
  readonly id: string;
  readonly image?: string;
  readonly depends_on?: Readonly<Record<string, 'Any' | 'Success' | 'Failure'>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly timeout?: number;
  readonly start_timeout?: number;
  readonly retries?: number;
  readonly retry_on?: readonly (string | number)[];
  readonly retry_backoff?: { readonly initial?: number; readonly maximum?: number; readonly factor?: number };
  readonly always?: boolean;
  /** Steps of the fake. */
  readonly steps?: readonly object[];
}

/** What a pipeline says beside its tasks. */
export interface PipelineOptions {
  readonly parallelism?: number;
  readonly concurrency?: 'queue' | 'cancel_oldest' | 'cancel_newest';
  readonly timeout?: number;
  readonly start_timeout?: number;
  readonly retries?: number;
}

export function pipelineJson(id: string, tasks: readonly TaskJson[], options: PipelineOptions = {}): object {
  return {
    id,
    name: id,
    parallelism: 0,
    ...options,
    tasks: tasks.map(({ steps, ...task }) => ({
      image: 'any',
      depends_on: {},
      variables: {},
      ...task,
      ...(steps === undefined ? {} : { entrypoint: ['gofer-fake-steps'], command: [JSON.stringify(steps)] }),
    })),
  };
}

/** Remembers the distinct handles of each attempt: the fake makes one for each time that it really starts a task. */
class CountedScheduler {
  readonly starts = new Map<string, Set<TaskHandle>>();

  count(scheduler: AnyScheduler): AnyScheduler {
    const { starts } = this;
    return new Proxy(scheduler, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (property === 'start') {
          return async function* counted(...call: Parameters<Scheduler['start']>) {
            for await (const update of target.start(...call)) {
              const { attemptId } = call[0];
              if (update.kind === 'started') starts.set(attemptId, (starts.get(attemptId) ?? new Set()).add(update.handle));
              yield update;
            }
          };
        }
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}

/** Of what is waited for, what a person reads. */
export function waitingText(waiting: Waiting | undefined): string | undefined {
  return waiting === undefined ? undefined : describeWaiting(waiting.reason);
}

/** Where tasks are told to find the API; nobody answers there. */
export const TASK_ACCESS_URL = 'http://127.0.0.1:9';

const ACTOR = { id: 'test', user: 'test' };

export class RunStage {
  readonly directory: string;
  readonly logged: string[] = [];
  readonly starts: ReadonlyMap<string, ReadonlySet<TaskHandle>>;
  readonly #counted = new CountedScheduler();
  #options: StageOptions;
  #parts:
    | { store: Store; orchestrator: Orchestrator; logs: LogStore; scheduler: AnyScheduler; dag: DagEngine; stores: TestStores }
    | undefined;

  private constructor(directory: string, options: StageOptions) {
    this.directory = directory;
    this.#options = options;
    this.starts = this.#counted.starts;
  }

  static async open(options: StageOptions): Promise<RunStage> {
    const stage = new RunStage(await mkdtemp(join(PARENT, 'gofer-stage-')), options);
    await stage.enter();
    return stage;
  }

  get store(): Store {
    return this.#here().store;
  }
  get orchestrator(): Orchestrator {
    return this.#here().orchestrator;
  }
  get logs(): LogStore {
    return this.#here().logs;
  }
  get scheduler(): AnyScheduler {
    return this.#here().scheduler;
  }
  get stores(): TestStores {
    return this.#here().stores;
  }
  get dag(): DagEngine {
    return this.#here().dag;
  }

  /** Starts over what `leave` left. */
  async enter(change: Partial<StageOptions> = {}): Promise<void> {
    this.#options = { ...this.#options, ...change };
    const { limits = {}, engine = 'fake', dag: createDag, openStore } = this.#options;
    const path = join(this.directory, 'gofer.db');
    const store = openStore === undefined ? Store.open(path) : openStore(path);
    const log = (level: string, message: string, fields?: object): void =>
      void this.logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
    const host = { instanceId: store.system.instanceId, dataDirectory: join(this.directory, engine), log };
    const scheduler = this.#counted.count(await this.#options.scheduler(host));
    const logs = createInlineLogStore({ directory: join(this.directory, 'logs') });
    const dag = createDag === undefined ? new InlineDagEngine() : createDag();
    const stores = new TestStores(store, this.directory, log);
    const orchestrator = new Orchestrator({
      store,
      references: stores.references,
      secrets: stores.secrets,
      taskAccess: { baseUrl: async () => ({ url: TASK_ACCESS_URL }) },
      runEnded: (pipelineUid) => this.#options.runEnded?.(pipelineUid),
      dag,
      logs,
      schedulers: [{ engine, scheduler }],
      limits: { globalRuns: limits.globalRuns ?? 0, pipelineRuns: limits.pipelineRuns ?? 0, runningTasks: limits.runningTasks ?? 0 },
      log,
      stopGraceMs: 1000,
    });
    this.#parts = { store, orchestrator, logs, scheduler, dag, stores };
    orchestrator.recover();
  }

  /** Like a server that stops: tasks go on without it. */
  async leave(): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return;
    this.#parts = undefined;
    await parts.orchestrator.close();
    await parts.logs.close();
    await parts.dag.close();
    await parts.scheduler.close();
    await parts.stores.close();
    parts.store.close();
  }

  /** While nobody is here: as if the server had died before it wrote down that an attempt has started. */
  forgetStart(attemptUid: string): void {
    const database = new SQLite(join(this.directory, 'gofer.db'));
    database.prepare("UPDATE attempts SET state = 'processing', handle = NULL, started = 0 WHERE uid = ?").run(attemptUid);
    database
      .prepare(
        "UPDATE task_executions SET state = 'processing', started = 0 WHERE (run_uid, task_id) IN (SELECT run_uid, task_id FROM attempts WHERE uid = ?)",
      )
      .run(attemptUid);
    database.close();
  }

  /** While nobody is here: what every pipeline says cannot be read any more. */
  damageDefinitions(): void {
    const database = new SQLite(join(this.directory, 'gofer.db'));
    database.prepare("UPDATE pipeline_configs SET definition = '{'").run();
    database.close();
  }

  async close(): Promise<void> {
    await this.leave();
    await rm(this.directory, { recursive: true, force: true });
  }

  /** Registers version 1 of a new pipeline. */
  async pipeline(id: string, tasks: readonly TaskJson[], options: PipelineOptions = {}): Promise<string> {
    const parsed = parsePipelineDefinition(pipelineJson(id, tasks, options));
    const { definition } = parsed;
    if (definition === undefined) throw new Error(JSON.stringify(parsed.faults));
    const uid = uuidv7();
    await this.store.commit(() => {
      this.store.pipelines.insert(uid, 'default', id, Date.now());
      this.store.configs.insert(uid, 1, { definition, credentials: undefined }, Date.now());
    });
    return uid;
  }

  async submit(pipelineUid: string, variables: Readonly<Record<string, string>> = {}): Promise<RunRecord> {
    const { store, orchestrator } = this.#here();
    const run = await store.commit(() => {
      const uid = uuidv7();
      const options = Object.entries(variables).map(([key, value]) => ({ key, value, source: 'run_options' as const }));
      const initiator = { id: 'test', user: 'test' };
      const runId = store.runs.insert({
        uid,
        pipelineUid,
        configVersion: 1,
        started: Date.now(),
        initiator,
        variables: options,
        idempotencyKey: undefined,
        owner: store.system.instanceId,
      });
      const pipelineId = store.pipelines.byUid(pipelineUid)?.metadata.pipeline_id ?? '';
      store.runs.setEvent(
        uid,
        store.events.emit('queued_run', { namespace_id: 'default', pipeline_id: pipelineId, run_id: runId }, Date.now()),
      );
      return this.run(uid);
    });
    orchestrator.submit(run);
    return run;
  }

  /** As a person does. */
  cancelRun(runUid: string, graceMs: number, force = false): void {
    const how = { cause: 'cancelled', reason: 'user_cancelled', description: 'cancelled by test', by: ACTOR } as const;
    this.orchestrator.cancelRun(runUid, { ...how, at: Date.now(), graceMs, force });
  }

  async cancelTask(runUid: string, taskId: string, graceMs: number): Promise<void> {
    const how = { cause: 'task_cancelled', description: 'cancelled by test', by: ACTOR } as const;
    await this.orchestrator.cancelTask(runUid, taskId, { ...how, at: Date.now() }, graceMs);
  }

  /** Resolves with the run once it has ended. */
  async ended(runUid: string, withinMs = 30_000): Promise<RunRecord> {
    try {
      await this.orchestrator.whenEnded(runUid, AbortSignal.timeout(withinMs));
    } catch (error) {
      const tasks = this.store.taskExecutions.list(runUid).filter((task) => task.state !== 'complete');
      throw new Error(`run did not end: ${JSON.stringify({ run: this.run(runUid), tasks, log: this.logged.slice(-5) })}`, { cause: error });
    }
    return this.run(runUid);
  }

  /** Resolves at the first change of the run after which `condition` holds, at once if it does already. */
  async until(runUid: string, condition: () => boolean, withinMs = 20_000): Promise<void> {
    if (condition()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(new Error('what was waited for did not happen')), withinMs);
    const forget = this.orchestrator.onChange(runUid, () => condition() && resolve());
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      forget();
    }
  }

  run(runUid: string): RunRecord {
    const run = this.store.runs.byUid(runUid);
    if (run === undefined) throw new Error(`run ${runUid} does not exist`);
    return run;
  }

  tasks(runUid: string): Record<string, TaskRecord> {
    return Object.fromEntries(this.store.taskExecutions.list(runUid).map((task) => [task.taskId, task]));
  }

  statuses(runUid: string): Record<string, string> {
    return Object.fromEntries(this.store.taskExecutions.list(runUid).map((task) => [task.taskId, task.status]));
  }

  /** Kinds of the events of one run, with the task where there is one, in order. */
  eventsOf(run: RunRecord): string[] {
    const pipelineId = this.store.pipelines.byUid(run.pipelineUid)?.metadata.pipeline_id;
    return this.store.events.after(0, 1_000_000).flatMap(({ event }) =>
      Object.entries(event.kind).flatMap(([kind, payload]) => {
        if (payload['run_id'] !== run.runId || payload['pipeline_id'] !== pipelineId) return [];
        return [[kind, payload['task_execution_id'], payload['status']].filter((part) => typeof part === 'string').join(' ')];
      }),
    );
  }

  async logText(attemptUid: string): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await this.logs.raw(attemptUid)).stream) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks).toString();
  }

  #here() {
    if (this.#parts === undefined) throw new Error('the stage was left');
    return this.#parts;
  }
}
