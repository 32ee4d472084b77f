/** Those who use the server: they start runs and cancel them, as the services do for them, and believe what they are told. */
import type { PipelineDefinition } from '@gofer/contracts/pipeline';
import { uuidv7 } from 'uuidv7';
import type { VirtualClock } from '../../kernel/src/clock/virtual-clock.ts';
import type { Journal, RunView } from './journal.ts';
import type { Random } from './random.ts';
import type { SimulatedServer } from './simulated-server.ts';

export interface PeopleOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly journal: Journal;
  readonly pipelines: ReadonlyMap<string, PipelineDefinition>;
  /** Undefined while there is none that takes anything. */
  readonly server: () => SimulatedServer | undefined;
  readonly tell: (line: string) => void;
  readonly violated: (what: string) => void;
}

const ACTOR = { id: 'person', user: 'person' };
const MOST_RUNS = 10;

export class People {
  /** Of every run that was ever asked for. */
  readonly runUids: string[] = [];
  cancellations = 0;
  readonly #options: PeopleOptions;

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  submit(): void {
    const { random, pipelines, clock } = this.#options;
    const pipelineUid = random.pick(['', ...pipelines.keys()].slice(1) as [string]);
    const server = this.#options.server();
    if (server === undefined || this.runUids.length >= MOST_RUNS) return;
    const uid = uuidv7();
    this.runUids.push(uid);
    const { store, orchestrator } = server;
    const committed = store.commit(() => {
      const row = { uid, pipelineUid, configVersion: 1, started: clock.now(), initiator: ACTOR, variables: [], idempotencyKey: undefined };
      const runId = store.runs.insert({ ...row, owner: store.system.instanceId });
      const pipelineId = store.pipelines.byUid(pipelineUid)?.metadata.pipeline_id ?? '';
      store.events.emit('queued_run', { namespace_id: 'default', pipeline_id: pipelineId, run_id: runId }, clock.now());
      const run = store.runs.byUid(uid);
      if (run === undefined) throw new Error('a run that was inserted is not there');
      return run;
    });
    committed.then(
      (run) => {
        if (server.isDead) return;
        orchestrator.submit(run);
        if (this.#options.journal.view(uid) === undefined) this.#options.violated('a run was acknowledged that is not in the database');
      },
      () => this.#options.tell('a run was not taken'),
    );
  }

  cancel(): void {
    const { random, journal } = this.#options;
    const unfinished = journal.runs.filter(({ run }) => run.state !== 'complete');
    const [first, ...others] = unfinished;
    const server = this.#options.server();
    if (first === undefined || server === undefined) return;
    this.cancellations += 1;
    const view = random.pick([first, ...others]);
    if (random.chance(0.5)) this.#cancelRun(server, view);
    else this.#cancelTask(server, view);
  }

  #cancelRun({ store, orchestrator }: SimulatedServer, { run }: RunView): void {
    const { random, clock, tell } = this.#options;
    const how = { cause: 'cancelled', reason: 'user_cancelled', description: 'cancelled by a person', by: ACTOR } as const;
    const cancellation = { ...how, at: clock.now(), graceMs: random.pick([0, 1000, 20_000]), force: random.chance(0.3) };
    tell(`run ${run.runId} is to be cancelled${cancellation.force ? ' by force' : ''}`);
    const asked = store.commit(() => store.runs.requestCancel(run.uid, cancellation));
    asked.then(
      () => {
        orchestrator.cancelRun(run.uid, cancellation);
        const now = this.#options.journal.view(run.uid)?.run;
        if (now?.state !== 'complete' && now?.cancellation === undefined)
          this.#options.violated('a cancellation was acknowledged and is not in the database');
      },
      () => tell('a cancellation was not taken'),
    );
  }

  #cancelTask({ orchestrator }: SimulatedServer, { run }: RunView): void {
    const { random, clock, tell, violated, journal, pipelines } = this.#options;
    const { tasks = [] } = pipelines.get(run.pipelineUid) ?? {};
    const taskId = random.pick(tasks.map(({ id }) => id) as [string]);
    tell(`task ${taskId} of run ${run.runId} is to be cancelled`);
    const how = { cause: 'task_cancelled', description: 'cancelled by a person', by: ACTOR, at: clock.now() } as const;
    orchestrator.cancelTask(run.uid, taskId, how, random.pick([0, 1000, 20_000])).then(
      () => {
        const now = journal.view(run.uid);
        const task = now?.tasks.get(taskId);
        const isKept = now?.run.state !== 'running' || task?.state === 'complete' || task?.cancellation !== undefined;
        if (!isKept) violated(`a cancellation of task ${taskId} was acknowledged and is not in the database`);
      },
      () => tell('a cancellation of a task was not taken'),
    );
  }
}
