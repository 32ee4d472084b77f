/**
 * The engine that tasks run in: it knows nothing of servers, outlives them, and remembers what really happened, for the checks. What is
 * told of it to a server is `SimulatedScheduler`.
 */
import { GoferError, type TaskSpec } from '@gofer/contracts';
import type { VirtualClock } from '../../kernel/src/clock/virtual-clock.ts';
import type { FaultPlan } from './fault-plan.ts';
import type { Random } from './random.ts';
import { type Behaviour, SimulatedTask } from './simulated-task.ts';

/** A start on its way. */
export interface Launch {
  readonly spec: TaskSpec;
  readonly behaviour: Behaviour;
  /** Resolves with the task; rejects with the refusal, or with `CANCELLED` when it is taken back. */
  readonly done: Promise<SimulatedTask>;
  takeBack(): void;
  /** Now. */
  conclude(): void;
}

export interface EngineWitness {
  /** An attempt really begins to run. */
  started(task: SimulatedTask): void;
  /** Something that must never be asked of an engine. */
  violated(what: string): void;
}

export interface EngineOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly plan: FaultPlan;
  readonly replay: boolean;
  readonly witness: EngineWitness;
  /** Whether an attempt may be one that never ends by itself. */
  readonly mayHang: (spec: TaskSpec) => boolean;
}

const REFUSALS = ['IMAGE_NOT_FOUND', 'IMAGE_PULL_FAILED', 'INVALID_ARGUMENT', 'UNAVAILABLE', 'INTERNAL', 'RESOURCE_EXHAUSTED'] as const;

export class SimulatedEngine {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly plan: FaultPlan;
  readonly replay: boolean;
  readonly witness: EngineWitness;
  /** What it holds now, by attempt. */
  readonly tasks = new Map<string, SimulatedTask>();
  /** Every task that ever ran in it. */
  readonly history: SimulatedTask[] = [];
  readonly #launches = new Map<string, Launch>();
  readonly #begun = new Set<string>();
  readonly #mayHang: (spec: TaskSpec) => boolean;
  /** False once the simulation wants to come to an end. */
  hasFaults = true;
  #back: PromiseWithResolvers<void> | undefined;

  constructor({ clock, random, plan, replay, witness, mayHang }: EngineOptions) {
    this.clock = clock;
    this.random = random;
    this.plan = plan;
    this.replay = replay;
    this.witness = witness;
    this.#mayHang = mayHang;
  }

  get isReachable(): boolean {
    return this.#back === undefined;
  }

  /** Resolves once it can be reached. */
  async reachable(): Promise<void> {
    await this.#back?.promise;
  }

  cutOff(): void {
    this.#back ??= Promise.withResolvers();
  }

  comeBack(): void {
    this.#back?.resolve();
    this.#back = undefined;
  }

  chance(probability: number): boolean {
    return this.hasFaults && this.random.chance(probability);
  }

  /** The start that is on its way, the task that there is already, or a new start. */
  start(spec: TaskSpec): SimulatedTask | Launch {
    const { attemptId } = spec;
    const known = this.tasks.get(attemptId) ?? this.#launches.get(attemptId);
    if (known !== undefined) return known;
    if (this.#begun.has(attemptId)) {
      const wasTakenBack = this.history.some((task) => task.spec.attemptId === attemptId && task.isTakenBack);
      if (!wasTakenBack) this.witness.violated(`attempt ${this.nameOf(spec)} was to be started again after it had run`);
      throw new GoferError('TASK_LOST', 'it was started before and is not known any more');
    }
    return this.#launch(spec);
  }

  /** What a client that has vanished was waiting for is done at once, or never. */
  clientVanished(): void {
    // Each leaves the list, and none comes into it.
    for (const launch of this.#launches.values()) {
      if (this.random.chance(0.5)) launch.takeBack();
      else launch.conclude();
    }
    for (const task of this.tasks.values()) if (this.random.chance(0.5)) task.forgetStop();
  }

  remove(task: SimulatedTask): void {
    task.remove();
    this.tasks.delete(task.spec.attemptId);
  }

  nameOf({ labels, attemptId }: TaskSpec): string {
    const attempts = this.history.filter(({ spec }) => spec.labels['run'] === labels['run'] && spec.labels['task'] === labels['task']);
    const number = attempts.findIndex(({ spec }) => spec.attemptId === attemptId) + 1;
    return `${labels['task']} (start ${number === 0 ? 'that was not' : number})`;
  }

  #launch(spec: TaskSpec): Launch {
    const behaviour = this.#anyBehaviour(spec);
    const { promise, resolve, reject } = Promise.withResolvers<SimulatedTask>();
    // Whoever waits for it hears of it; nobody need wait.
    promise.catch(() => undefined);
    const end = (): void => void this.#launches.delete(spec.attemptId);
    const conclude = (): void => {
      end();
      forget();
      const { refusal } = behaviour;
      if (refusal === undefined) resolve(this.#begin(spec, behaviour));
      else reject(new GoferError(refusal, `the simulated engine refuses: ${refusal}`));
    };
    const forget = this.clock.after(behaviour.startMs, conclude);
    const takeBack = (): void => {
      end();
      forget();
      reject(new GoferError('CANCELLED', 'the start was taken back'));
    };
    const launch: Launch = { spec, behaviour, done: promise, takeBack, conclude };
    this.#launches.set(spec.attemptId, launch);
    return launch;
  }

  #begin(spec: TaskSpec, behaviour: Behaviour): SimulatedTask {
    const task = new SimulatedTask(spec, behaviour, this.clock, this.random);
    this.#begun.add(spec.attemptId);
    this.tasks.set(spec.attemptId, task);
    this.history.push(task);
    this.witness.started(task);
    return task;
  }

  #anyBehaviour(spec: TaskSpec): Behaviour {
    const { random, plan } = this;
    const anyRunMs = random.pick([0, random.between(1, 50), random.between(100, 5000), random.between(1000, 90_000)]);
    const hangs = random.chance(0.15) && this.#mayHang(spec);
    return {
      startMs: random.pick([0, 0, random.between(0, 2000), random.between(0, 60_000)]),
      progress: random.between(0, 2),
      refusal: this.chance(plan.refusal) ? random.pick(REFUSALS) : undefined,
      runMs: hangs ? Number.POSITIVE_INFINITY : anyRunMs,
      exitCode: random.pick([0, 0, 0, 1, 3]),
      lostAfterMs: this.chance(plan.lost) ? random.between(0, Math.max(anyRunMs - 1, 0)) : undefined,
      lostOutput: random.pick(['ends', 'hangs', 'is lost']),
      lines: random.pick([0, 1, random.between(0, 30)]),
      termMs: random.chance(0.7) ? random.between(0, 3000) : undefined,
      termCode: random.pick([143, 143, 0, 1]),
    };
  }
}
