/**
 * Runs of random pipelines, asked for by clients that go on whatever happens to the server, and at the end of all a comparison of what
 * the server says with what the tasks have said. Which disturbance comes meanwhile is the caller's.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Run } from '@gofer/contracts/api';
import { type GoferServer, pipelinePath, VERSION } from '../e2e/gofer-server.ts';
import type { Evidence, Report } from './evidence.ts';
import type { Random } from './random.ts';
import { type Dag, type DagLimits, randomDag, toSketches } from './random-dag.ts';
import { judge } from './verdict.ts';

export interface TrialOptions {
  readonly server: GoferServer;
  readonly evidence: Evidence;
  readonly random: Random;
  readonly limits: DagLimits;
  /** Clients; each has one unfinished run. */
  readonly clients: number;
  /** What is said of tasks that may die with their engine; absent where none may. */
  readonly diedWords?: RegExp;
  /** What the engine itself says of its tasks, for the fault of a run that does not end. */
  readonly engineSays?: () => Promise<string>;
}

export interface TrialResult {
  readonly runs: number;
  /** That have run. */
  readonly tasks: number;
  /** Requests whose answer was cut off. */
  readonly cutOff: number;
  readonly died: number;
  readonly faults: readonly string[];
}

interface Asked {
  readonly dag: Dag;
  readonly key: string;
}

const PIPELINES = 6;
const ENDS_WITHIN_SECONDS = 120;
/** How long an engine may take to say why, and how much of the server's log is shown. */
const EXPLAINS_WITHIN_MS = 10_000;
const LAST_LINES = 20;

export class Trial {
  readonly #options: TrialOptions;
  readonly #dags: readonly Dag[];
  /** Runs of which a client knows that they are there: `PIPELINE RUN` → the key of the request. */
  readonly #accepted = new Map<string, string>();
  /** Of these, those that have not been seen to end. */
  readonly #unfinished = new Map<string, { readonly pipeline: string; readonly run: number }>();
  /** Requests that are not sent again before the end. */
  readonly #abandoned: Asked[] = [];
  readonly #faults: string[] = [];
  #cutOff = 0;
  #keys = 0;
  #isOver = false;
  #isGivenUp = false;

  private constructor(options: TrialOptions, dags: readonly Dag[]) {
    this.#options = options;
    this.#dags = dags;
  }

  /** `name`: no other trial of this server has it. Registers its pipelines; nothing is to disturb that. */
  static async prepare(name: string, options: TrialOptions): Promise<Trial> {
    const dags = Array.from({ length: PIPELINES }, (_, index) => randomDag(`${name}-${index}`, options.random, options.limits));
    for (const dag of dags) await options.server.deploy(dag.id, toSketches(dag, options.evidence.reporting));
    return new Trial(options, dags);
  }

  /** Known runs that no client has seen the end of. */
  get unfinished(): readonly { readonly pipeline: string; readonly run: number }[] {
    return [...this.#unfinished.values()];
  }

  /** Has clients ask for runs until `disturb` has resolved, and judges all runs when they have ended. Rejects, and gives all up, when it does. */
  async run(disturb: () => Promise<void>): Promise<TrialResult> {
    const clients = Array.from({ length: this.#options.clients }, () => this.#client());
    try {
      await disturb();
    } catch (error) {
      [this.#isOver, this.#isGivenUp] = [true, true];
      await Promise.allSettled(clients);
      throw error;
    }
    this.#isOver = true;
    await Promise.all(clients);
    return this.#judge();
  }

  async #client(): Promise<void> {
    const { random } = this.#options;
    while (!this.#isOver) {
      this.#keys += 1;
      const asked = { dag: random.pick(this.#dags), key: `key-${this.#keys}` };
      const run = (await this.#ask(asked)) ?? (await this.#cut(asked));
      if (run !== undefined) await this.#seeItEnd(asked.dag, run);
    }
  }

  /** The number of the run; undefined where the answer was cut off. */
  async #ask({ dag, key }: Asked): Promise<number | undefined> {
    const { server } = this.#options;
    const headers = { ...VERSION, 'idempotency-key': key };
    const answer = await server.call('POST', `${pipelinePath(dag.id)}/runs`, { variables: {} }, headers).catch(() => undefined);
    if (answer === undefined) return undefined;
    if (answer.status !== 201) {
      this.#faults.push(`${dag.id}: a run was refused: ${answer.status} ${answer.body.toString()}`);
      return undefined;
    }
    const { run_id: run } = (answer.json() as { run: Run }).run;
    const name = `${dag.id} ${run}`;
    const earlier = this.#accepted.get(name);
    if (earlier !== undefined && earlier !== key) this.#faults.push(`${name} answers to ${earlier} and to ${key}`);
    this.#accepted.set(name, key);
    return run;
  }

  /** Half of the clients insist, and get the same run however often they do; the others give up. */
  async #cut(asked: Asked): Promise<number | undefined> {
    this.#cutOff += 1;
    if (this.#options.random.chance(0.5)) {
      this.#abandoned.push(asked);
      return undefined;
    }
    return this.#insist(asked);
  }

  async #insist(asked: Asked): Promise<number> {
    const answers: number[] = [];
    while (answers.length < 2) {
      this.#goOn();
      const run = await this.#ask(asked);
      if (run === undefined) await delay(20);
      else answers.push(run);
    }
    const [first = 0, second] = answers;
    if (first !== second) this.#faults.push(`${asked.dag.id}: one key has started the runs ${first} and ${second}`);
    return first;
  }

  #goOn(): void {
    if (this.#isGivenUp) throw new Error('the trial was given up');
  }

  #numbersOf(dag: Dag): readonly number[] {
    return [...this.#accepted.keys()].filter((name) => name.startsWith(`${dag.id} `)).map((name) => Number(name.split(' ')[1]));
  }

  async #seeItEnd(dag: Dag, run: number): Promise<void> {
    const name = `${dag.id} ${run}`;
    this.#unfinished.set(name, { pipeline: dag.id, run });
    for (const limit = Date.now() + ENDS_WITHIN_SECONDS * 1000; ; ) {
      this.#goOn();
      const told = await this.#options.server.getRun(dag.id, run, 20).catch(() => undefined);
      if (told?.state === 'complete') break;
      if (Date.now() > limit) {
        this.#faults.push(`${name} has not ended: ${JSON.stringify(told)}; ${await this.#explain(dag, run)}`);
        break;
      }
      if (told === undefined) await delay(20);
    }
    this.#unfinished.delete(name);
  }

  /** What a run that does not end waits for: in the words of the server, of its engine and of the server's log. */
  async #explain(dag: Dag, run: number): Promise<string> {
    const { server, engineSays } = this.#options;
    const late = async (): Promise<string> => delay(EXPLAINS_WITHIN_MS, `no answer within ${EXPLAINS_WITHIN_MS / 1000} s`, { ref: false });
    const heard = (asked: Promise<string>): Promise<string> => Promise.race([asked, late()]).catch(String);
    const unfinished = async (): Promise<string> => {
      const told = (await server.tasks(dag.id, run)).filter(({ state }) => state !== 'complete');
      return JSON.stringify(told.map(({ task_id, state, started, waiting, attempts }) => ({ task_id, state, started, waiting, attempts })));
    };
    const [tasks, engine] = await Promise.all([heard(unfinished()), engineSays === undefined ? '' : heard(engineSays())]);
    return `its tasks: ${tasks}; the engine: ${engine}; the server's log ends with\n${server.log.slice(-LAST_LINES).join('\n')}`;
  }

  async #judge(): Promise<TrialResult> {
    const { server, evidence } = this.#options;
    const stored = new Map<string, readonly number[]>();
    for (const dag of this.#dags) stored.set(dag.id, await this.#listed(dag));
    for (const asked of this.#abandoned) {
      const run = await this.#insist(asked);
      await this.#seeItEnd(asked.dag, run);
    }
    const reports = Map.groupBy(evidence.reports(), ({ pipeline, run }) => `${pipeline} ${run}`);
    let [runs, tasks, died] = [0, 0, 0];
    for (const dag of this.#dags) {
      const listed = await this.#listed(dag);
      const missing = [...(stored.get(dag.id) ?? []), ...this.#numbersOf(dag)].filter((run) => !listed.includes(run));
      for (const run of missing) this.#faults.push(`${dag.id} run ${run} is not there any more`);
      for (const run of listed) {
        if (!this.#accepted.has(`${dag.id} ${run}`)) this.#faults.push(`${dag.id} run ${run} was asked for by nobody`);
        const verdict = await this.#judgeRun(dag, run, reports.get(`${dag.id} ${run}`) ?? []);
        this.#faults.push(...verdict.faults);
        [runs, tasks, died] = [runs + 1, tasks + verdict.ran, died + verdict.died];
      }
    }
    const known = new Set(this.#dags.map(({ id }) => id));
    for (const name of reports.keys()) {
      if (known.has(name.split(' ')[0] ?? '') && !this.#accepted.has(name)) this.#faults.push(`${name} has run, and is not there`);
    }
    for (const dag of this.#dags) await server.ask('DELETE', pipelinePath(dag.id));
    return { runs, tasks, died, cutOff: this.#cutOff, faults: this.#faults };
  }

  async #judgeRun(dag: Dag, run: number, reports: readonly Report[]) {
    const { server, diedWords } = this.#options;
    const tasks = await server.tasks(dag.id, run);
    const logs = new Map<string, Buffer>();
    for (const { task_id, log } of tasks) if (log !== undefined) logs.set(task_id, await server.rawLog(dag.id, run, task_id));
    return judge(dag, { run: await server.getRun(dag.id, run), tasks, logs }, reports, diedWords);
  }

  async #listed(dag: Dag): Promise<readonly number[]> {
    const { runs } = await this.#options.server.ask<{ runs: Run[] }>('GET', `${pipelinePath(dag.id)}/runs?limit=1000000`);
    return runs.map(({ run_id }) => run_id);
  }
}
