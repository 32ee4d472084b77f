/**
 * One seed: a world of pipelines, people and faults around one server after another, in virtual time, until everything has ended. The
 * same seed does the same things in the same order on every machine.
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskSpec } from '@gofer/contracts';
import type { PipelineDefinition } from '@gofer/contracts/pipeline';
import { uuidv7 } from 'uuidv7';
import { quiet, turn, turnsAskedFor, VirtualClock } from '../../kernel/src/clock/virtual-clock.ts';
import { anyPipeline } from './any-pipeline.ts';
import { checkEnds, type Interval, StartRules } from './checks.ts';
import { anyFaultPlan, type FaultPlan } from './fault-plan.ts';
import { Journal } from './journal.ts';
import { People } from './people.ts';
import { Random } from './random.ts';
import { SimulatedEngine } from './simulated-engine.ts';
import { type ServerLimits, SimulatedServer } from './simulated-server.ts';

export interface SimulationResult {
  readonly seed: number;
  /** What must not be, for a person; empty where all is well. */
  readonly violations: readonly string[];
  /** Names everything that happened, in order. */
  readonly digest: string;
  readonly counts: SimulationCounts;
}

export interface SimulationCounts {
  runs: number;
  attempts: number;
  commits: number;
  deaths: number;
  leavings: number;
  outages: number;
  fullDisks: number;
  clockSteps: number;
  stalls: number;
  cancellations: number;
  virtualMs: number;
}

export interface SimulationOptions {
  /** Of which it makes one of its own, and removes it. */
  readonly parent: string;
  /** An empty database of the newest schema. */
  readonly template: string;
  /** Hears of everything that happens. */
  readonly tell?: (line: string) => void;
}

const START = Date.UTC(2030, 0, 1);
const HOUR_MS = 3_600_000;
const MOST_DEATHS = 60;
/** How long after the last fault everything must have ended. */
const STUCK_MS = 24 * HOUR_MS;
/** What a server says of a fault of its own, or of what it expects to be impossible. */
const FAULTS_OF_ITS_OWN: ReadonlySet<string> = new Set([
  'a run was given up',
  'watching a task failed',
  'a run could not be taken up again',
  'the end of a run could not be written',
  'a run that nobody moved on was found and mended: this is a fault of Gofer, please report it',
]);

export async function simulate(seed: number, options: SimulationOptions): Promise<SimulationResult> {
  const directory = mkdtempSync(join(options.parent, 'gofer-simulation-'));
  const simulation = new Simulation(seed, directory, options);
  const fail = (error: unknown): void =>
    simulation.violated(`an error that nobody handled: ${error instanceof Error ? error.stack : String(error)}`);
  process.on('unhandledRejection', fail);
  try {
    try {
      await simulation.run();
    } finally {
      simulation.end();
    }
    return simulation.result();
  } finally {
    process.off('unhandledRejection', fail);
    rmSync(directory, { recursive: true, force: true });
  }
}

class Simulation {
  readonly #seed: number;
  readonly #directory: string;
  readonly #tell: ((line: string) => void) | undefined;
  readonly #digest = createHash('sha256');
  readonly #violations: string[] = [];
  readonly #clock = new VirtualClock(START);
  readonly #random: Random;
  readonly #plan: FaultPlan;
  readonly #limits: ServerLimits;
  readonly #stopGraceMs: number;
  readonly #pipelines = new Map<string, PipelineDefinition>();
  readonly #engine: SimulatedEngine;
  readonly #journal: Journal;
  readonly #rules: StartRules;
  readonly #people: People;
  readonly #disturbances: Interval[] = [];
  readonly #serverRandom: Random;
  readonly #counts: SimulationCounts = {
    runs: 0,
    attempts: 0,
    commits: 0,
    deaths: 0,
    leavings: 0,
    outages: 0,
    fullDisks: 0,
    clockSteps: 0,
    stalls: 0,
    cancellations: 0,
    virtualMs: 0,
  };
  #server: SimulatedServer | undefined;
  #isLeaving = false;
  /** Turns of the event loop until the server dies. */
  #diesIn: number | undefined;
  #diskFullUntil = 0;
  #moments: number;
  /** Only between the beginning and the calm that lets everything end. */
  #hasFaults = false;

  constructor(seed: number, directory: string, { template, tell }: SimulationOptions) {
    this.#seed = seed;
    this.#directory = directory;
    this.#tell = tell;
    this.#random = new Random(seed);
    const world = this.#random.fork();
    this.#plan = anyFaultPlan(world);
    this.#limits = {
      globalRuns: world.pick([0, 0, 1, 3]),
      pipelineRuns: world.pick([0, 0, 1, 2]),
      runningTasks: world.pick([0, 0, 1, 2, 4]),
    };
    this.#stopGraceMs = world.pick([0, 1000, 10_000]);
    this.#moments = world.between(10, 60);
    for (let count = world.between(1, 3); count > 0; count -= 1) this.#pipelines.set(uuidv7(), anyPipeline(`pipeline-${count}`, world));
    this.#serverRandom = world.fork();
    this.#journal = new Journal(
      (what) => this.violated(what),
      (before, now) => this.#rules.created(before, now),
    );
    this.#engine = new SimulatedEngine({
      clock: this.#clock,
      random: world.fork(),
      plan: this.#plan,
      replay: world.chance(0.7),
      mayHang: (spec) => this.#taskOf(spec)?.timeout !== undefined,
      witness: {
        started: (task) => {
          this.tell(`the engine starts ${this.#nameOf(task.spec)}`);
          this.#rules.started(task);
        },
        violated: (what) => this.violated(what),
      },
    });
    this.#rules = new StartRules({
      journal: this.#journal,
      engine: this.#engine,
      limits: this.#limits,
      definitionOf: (pipelineUid) => this.#pipelines.get(pipelineUid),
      violated: (what) => this.violated(what),
    });
    this.#people = new People({
      clock: this.#clock,
      random: world.fork(),
      journal: this.#journal,
      pipelines: this.#pipelines,
      server: () => (this.#isLeaving ? undefined : this.#server),
      tell: (line) => this.tell(line),
      violated: (what) => this.violated(what),
    });
    mkdirSync(join(directory, 'logs'));
    copyFileSync(template, join(directory, 'gofer.db'));
  }

  tell(line: string): void {
    const entry = `${this.#clock.monotonic()} ${line}`;
    this.#digest.update(`${entry}\n`);
    this.#tell?.(entry);
  }

  /** `details` may hold what differs from one time to the next, such as ids. */
  violated(what: string, details = ''): void {
    this.tell(`VIOLATION ${what}`);
    this.#violations.push(details === '' ? what : `${what} ${details}`);
  }

  result(): SimulationResult {
    this.#counts.virtualMs = this.#clock.monotonic();
    this.#counts.attempts = this.#engine.history.length;
    this.#counts.runs = this.#journal.runs.length;
    this.#counts.cancellations = this.#people.cancellations;
    return { seed: this.#seed, violations: this.#violations, digest: this.#digest.digest('hex'), counts: this.#counts };
  }

  end(): void {
    this.#hasFaults = false;
    this.#server?.die();
  }

  async run(): Promise<void> {
    this.#open();
    await this.#register();
    this.#hasFaults = true;
    this.#planMoment();
    let calmSince: number | undefined;
    while (this.#violations.length === 0) {
      await this.#turns();
      if (this.#moments === 0 && this.#hasFaults) this.#calmDown();
      if (!this.#hasFaults) calmSince ??= this.#clock.monotonic();
      if (this.#hasEnded()) break;
      if (calmSince !== undefined && this.#clock.monotonic() > calmSince + STUCK_MS)
        return this.violated(`not everything ends: ${this.#leftText()}`);
      if (!this.#clock.advance()) return this.violated('nobody waits for anything any more');
    }
    if (this.#violations.length > 0 || this.#server === undefined) return;
    const mended = this.#server.orchestrator.watchdog.check();
    if (mended > 0) this.violated(`the watchdog found ${mended} in the end`);
    this.#journal.read(this.#server.store, this.#people.runUids, true);
    await quiet();
    checkEnds({
      runs: this.#journal.runs,
      history: this.#engine.history,
      logDirectory: join(this.#directory, 'logs'),
      definitionOf: (pipelineUid) => this.#pipelines.get(pipelineUid),
      disturbances: this.#disturbances,
      lives: this.#counts.deaths + 1,
      stopGraceMs: this.#stopGraceMs,
      hasSlowCalls: this.#plan.slowCall > 0,
      hasClockSteps: this.#counts.clockSteps > 0,
      violated: (what) => this.violated(what),
    });
  }

  async #register(): Promise<void> {
    const store = this.#server?.store;
    await store?.commit(() => {
      for (const [uid, definition] of this.#pipelines) {
        store.pipelines.insert(uid, 'default', definition.id, this.#clock.now());
        store.configs.insert(uid, 1, { definition, credentials: undefined }, this.#clock.now());
      }
    });
  }

  /** Until nothing is left to be done now; the server may die in between. */
  async #turns(): Promise<void> {
    do {
      await turn();
      if (this.#diesIn === undefined) continue;
      this.#diesIn -= 1;
      if (this.#diesIn <= 0) this.#kill();
    } while (turnsAskedFor() > 0);
  }

  #open(): void {
    const server = new SimulatedServer({
      directory: this.#directory,
      clock: this.#clock,
      random: this.#serverRandom,
      engine: this.#engine,
      limits: this.#limits,
      stopGraceMs: this.#stopGraceMs,
      faults: { before: () => this.#beforeCommit(), after: () => this.#afterCommit() },
      point: (name) => this.#point(name),
      logged: (level, message, fields) => {
        this.tell(`${level}: ${message}`);
        if (FAULTS_OF_ITS_OWN.has(message)) this.violated(`the server says: ${message}`, JSON.stringify(fields));
      },
    });
    this.#server = server;
    this.#isLeaving = false;
    this.tell('a server begins');
    try {
      server.orchestrator.recover();
    } catch (error) {
      // It may die in the middle of that, too.
      if (!server.isDead) throw error;
    }
  }

  #beforeCommit(): 'go on' | 'disk full' | 'dead' {
    if (this.#clock.monotonic() < this.#diskFullUntil) return 'disk full';
    this.#point('before a commit');
    if (this.#server === undefined) return 'dead';
    if (!this.#chance(this.#plan.fullDisk)) return 'go on';
    this.#counts.fullDisks += 1;
    this.#diskFullUntil = this.#disturb('the disk is full', this.#random.between(100, 120_000));
    return 'disk full';
  }

  #afterCommit(): 'go on' | 'dead' {
    this.#counts.commits += 1;
    const server = this.#server;
    if (server === undefined) return 'dead';
    this.tell('commit');
    this.#journal.read(server.store, this.#people.runUids);
    this.#rules.checkLimits();
    this.#point('after a commit');
    return this.#server === undefined ? 'dead' : 'go on';
  }

  /** A moment at which the server may die: now, or some turns of the event loop later. */
  #point(name: string): void {
    if (!this.#chance(this.#plan.crash) || this.#counts.deaths >= MOST_DEATHS || this.#diesIn !== undefined || this.#isLeaving) return;
    if (this.#random.chance(this.#plan.orderly)) return this.#leave();
    if (this.#random.chance(0.5)) return this.#kill(name);
    this.#diesIn = this.#random.between(1, 4);
  }

  #leave(): void {
    this.tell('the server leaves');
    this.#counts.leavings += 1;
    this.#isLeaving = true;
    this.#server?.leave();
    this.#clock.after(this.#random.between(0, 5000), () => this.#kill());
  }

  #kill(name = 'a turn'): void {
    this.#diesIn = undefined;
    const server = this.#server;
    if (server === undefined) return;
    this.tell(`the server dies at ${name}`);
    if (server.orchestrator.watchdog.report.mended > 0) this.violated('the watchdog had to mend something');
    this.#server = undefined;
    this.#counts.deaths += 1;
    server.die();
    const { random } = this.#random.chance(0.5) ? { random: 0 } : { random: this.#random.pick([2000, 60_000, 600_000]) };
    const ms = this.#random.between(0, random);
    this.#disturb('there is no server', ms);
    this.#clock.after(ms, () => this.#open());
  }

  /** Answers with its end. */
  #disturb(what: string, ms: number): number {
    const from = this.#clock.monotonic();
    this.tell(`${what} for ${ms} ms`);
    this.#disturbances.push({ from, to: from + ms });
    return from + ms;
  }

  #chance(probability: number): boolean {
    return this.#hasFaults && this.#random.chance(probability);
  }

  #planMoment(): void {
    this.#clock.after(this.#random.pick([0, 10, 500, 5000, 30_000]), () => this.#moment());
  }

  /** Something comes from outside. */
  #moment(): void {
    this.#moments -= 1;
    const plan = this.#plan;
    if (this.#chance(plan.outage)) this.#cutOff();
    if (this.#chance(plan.clockStep)) {
      const hours = this.#random.pick([-1, 1]);
      this.tell(`the clock is set by ${hours} h`);
      this.#counts.clockSteps += 1;
      this.#clock.stepWall(hours * HOUR_MS);
    }
    if (this.#chance(plan.stall)) {
      const ms = this.#random.between(10, 20_000);
      this.#disturb('the machine stands still', ms);
      this.#counts.stalls += 1;
      this.#clock.stall(ms);
    }
    // What is asked for comes last: no time passes before the server has heard of it.
    if (this.#random.chance(0.4)) this.#people.submit();
    if (this.#chance(plan.cancel)) this.#people.cancel();
    if (this.#moments > 0) this.#planMoment();
  }

  #cutOff(): void {
    if (!this.#engine.isReachable) return;
    this.#counts.outages += 1;
    const ms = this.#random.between(100, this.#random.pick([5000, 60_000, 600_000]));
    this.#disturb('the engine cannot be reached', ms);
    this.#engine.cutOff();
    this.#clock.after(ms, () => this.#engine.comeBack());
  }

  #calmDown(): void {
    this.tell('calm');
    this.#hasFaults = false;
    this.#engine.hasFaults = false;
    this.#diskFullUntil = 0;
  }

  #hasEnded(): boolean {
    return !this.#hasFaults && this.#leftText() === '';
  }

  /** What has not ended, for a person. */
  #leftText(): string {
    const server = this.#server;
    if (server === undefined || this.#isLeaving) return 'there is no server';
    const unfinished = server.store.runs.unfinished().length;
    if (unfinished > 0) return `${unfinished} runs have not ended`;
    const { activeRuns, load } = server.orchestrator;
    if (activeRuns > 0 || load.runs > 0 || load.tasks !== 0)
      return `${activeRuns} loops, ${load.runs} admitted runs and ${load.tasks} slots are left`;
    const running = [...this.#engine.tasks.values()].map(({ spec }) => this.#nameOf(spec));
    if (running.length > 0) return `the engine still has ${running.join(', ')}`;
    // The watchdog's.
    return server.timers > 1 ? `${server.timers} timers are left` : '';
  }

  #taskOf({ labels }: TaskSpec) {
    return this.#pipelines.get(labels['pipeline'] ?? '')?.tasks.find(({ id }) => id === labels['task']);
  }

  #nameOf(spec: TaskSpec): string {
    const view = this.#journal.view(spec.labels['run'] ?? '');
    const number = view?.attempts.get(spec.attemptId)?.number;
    return `${this.#pipelines.get(spec.labels['pipeline'] ?? '')?.id} run ${view?.run.runId} task ${spec.labels['task']} attempt ${number}`;
  }
}
