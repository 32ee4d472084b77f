/**
 * One life of a server: the real orchestrator with the real database, logs and graph engine. When it dies, what it was about to do
 * reaches nobody: not the database, not the logs, not the engine, and no timer of it is called.
 */
import { join } from 'node:path';
import type { Clock } from '../../kernel/src/clock/clock.ts';
import type { VirtualClock } from '../../kernel/src/clock/virtual-clock.ts';
import { Orchestrator } from '../../kernel/src/orchestrator/orchestrator.ts';
import type { OpenDatabase } from '../../kernel/src/storage/database.ts';
import { Store } from '../../kernel/src/storage/store.ts';
import { TestStores } from '../../kernel/src/stores/test-stores.fixture.ts';
import { InlineDagEngine } from '../../kernel/src/workers/dag/index.ts';
import { LaneLogStore } from '../../kernel/src/workers/logs/lane-log-store.ts';
import { type CommitFaults, openFaultyDatabase } from './faulty-database.ts';
import { MortalLane } from './mortal-lane.ts';
import type { Random } from './random.ts';
import type { SimulatedEngine } from './simulated-engine.ts';
import { type Caller, SimulatedScheduler } from './simulated-scheduler.ts';

export interface ServerLimits {
  readonly globalRuns: number;
  readonly pipelineRuns: number;
  readonly runningTasks: number;
}

export interface ServerOptions {
  readonly directory: string;
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly engine: SimulatedEngine;
  readonly limits: ServerLimits;
  readonly stopGraceMs: number;
  /** Of its commits, while it lives. */
  readonly faults: CommitFaults;
  readonly point: (name: string) => void;
  readonly logged: (level: string, message: string, fields: object) => void;
}

export const ENGINE = 'simulated';

/** The part of the world's clock that dies with a server. */
class MortalClock implements Clock {
  readonly #clock: VirtualClock;
  readonly #forget = new Set<() => void>();
  #isDead = false;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#forget.size;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(ms: number, act: () => void): () => void {
    if (this.#isDead) return () => {};
    const taken = this.#clock.after(ms, () => {
      this.#forget.delete(forget);
      act();
    });
    const forget = (): void => {
      this.#forget.delete(forget);
      taken();
    };
    this.#forget.add(forget);
    return forget;
  }

  die(): void {
    this.#isDead = true;
    for (const forget of this.#forget) forget();
  }
}

/** Of what a dead server asked to be written, nobody hears. */
class MortalStore extends Store {
  readonly #isDead: () => boolean;

  constructor(database: OpenDatabase, isDead: () => boolean) {
    super(database);
    this.#isDead = isDead;
  }

  override commit<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      super.commit(work).then(
        (value) => this.#isDead() || resolve(value),
        (error: unknown) => this.#isDead() || reject(error),
      );
    });
  }
}

export class SimulatedServer implements Caller {
  readonly store: Store;
  readonly orchestrator: Orchestrator;
  readonly logs: LaneLogStore;
  readonly #database: OpenDatabase;
  readonly #lane: MortalLane;
  readonly #clock: MortalClock;
  readonly #engine: SimulatedEngine;
  readonly #point: (name: string) => void;
  #isDead = false;

  constructor(options: ServerOptions) {
    const { directory, clock, random, engine, limits, stopGraceMs, faults, logged } = options;
    this.#point = options.point;
    this.#engine = engine;
    this.#clock = new MortalClock(clock);
    this.#database = openFaultyDatabase(join(directory, 'gofer.db'), {
      before: () => (this.#isDead ? 'dead' : faults.before()),
      after: () => (this.#isDead ? 'dead' : faults.after()),
    });
    this.store = new MortalStore(this.#database, () => this.#isDead);
    const logDirectory = join(directory, 'logs');
    this.#lane = new MortalLane(logDirectory);
    this.logs = new LaneLogStore(logDirectory, [this.#lane], () => Promise.resolve());
    const log = (level: string, message: string, fields: object = {}): void => {
      if (!this.#isDead) logged(level, message, fields);
    };
    // Nothing of a simulated pipeline is looked up: neither store is ever opened.
    const stores = new TestStores(this.store, directory, log);
    this.orchestrator = new Orchestrator({
      store: this.store,
      references: stores.references,
      secrets: stores.secrets,
      taskAccess: { baseUrl: async () => ({ missing: 'a simulation has no network' }) },
      dag: new InlineDagEngine(),
      logs: this.logs,
      schedulers: [{ engine: ENGINE, scheduler: new SimulatedScheduler(engine, this) }],
      limits,
      log,
      stopGraceMs,
      clock: this.#clock,
      random: () => random.next(),
    });
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Timers that it has. */
  get timers(): number {
    return this.#clock.waiting;
  }

  point(name: string): void {
    if (!this.#isDead) this.#point(name);
  }

  /** In an orderly way; may still be under way when it dies. */
  leave(): void {
    const closing = this.orchestrator.close().then(() => this.logs.close());
    // The death that follows may catch it in the middle.
    closing.catch(() => undefined);
  }

  /** At once, wherever it is. */
  die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#clock.die();
    this.#lane.die();
    this.#database.close();
    this.#engine.clientVanished();
    this.leave();
  }
}
