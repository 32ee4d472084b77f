/**
 * Which run may begin next. Pipelines take turns, runs of one pipeline go first come first served, so one pipeline with a thousand runs
 * holds nobody else back. Driven by what happens (a run comes, ends, is cancelled); nothing here waits or looks at a clock.
 */
export interface AdmissionLimits {
  /** Runs at once on this server; `Infinity` for none. */
  readonly global: number;
}

export interface QueuedRun {
  readonly uid: string;
  readonly pipelineUid: string;
  /** Runs of this pipeline at once, as this run's config version has it; `Infinity` for none. */
  readonly limit: number;
}

/** Why a run has not begun. */
export type QueueReason =
  /** `limit` runs of its pipeline are running, and `ahead` came before it. */
  | { readonly kind: 'pipeline-limit'; readonly limit: number; readonly ahead: number }
  /** As many runs as the server takes are running; `ahead` of the same pipeline came before it. */
  | { readonly kind: 'global-limit'; readonly limit: number; readonly ahead: number };

interface Lane {
  readonly waiting: QueuedRun[];
  running: number;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #admit: (uid: string) => void;
  /** In the order of their turns: the first one is asked first, and goes to the end once it was given something. */
  readonly #lanes = new Map<string, Lane>();
  readonly #admitted = new Map<string, string>();

  /** `admit` is called once for every run that may begin, in the order of admission. */
  constructor(limits: AdmissionLimits, admit: (uid: string) => void) {
    this.#limits = limits;
    this.#admit = admit;
  }

  get running(): number {
    return this.#admitted.size;
  }

  enqueue(run: QueuedRun): void {
    const lane = this.#lane(run.pipelineUid);
    lane.waiting.push(run);
    this.#pump();
  }

  /** Counts a run that is running already, as after a restart: limits hold back new ones, never those. */
  resume(run: Pick<QueuedRun, 'uid' | 'pipelineUid'>): void {
    this.#lane(run.pipelineUid).running += 1;
    this.#admitted.set(run.uid, run.pipelineUid);
  }

  /** A run has ended, whether it had begun or not. */
  finished(uid: string, pipelineUid: string): void {
    const lane = this.#lanes.get(pipelineUid);
    if (lane === undefined) return;
    if (this.#admitted.delete(uid)) {
      lane.running -= 1;
    } else {
      const index = lane.waiting.findIndex((run) => run.uid === uid);
      if (index >= 0) lane.waiting.splice(index, 1);
    }
    if (lane.running === 0 && lane.waiting.length === 0) this.#lanes.delete(pipelineUid);
    this.#pump();
  }

  /** Undefined for a run that is not queued. */
  reason(uid: string, pipelineUid: string): QueueReason | undefined {
    const lane = this.#lanes.get(pipelineUid);
    const ahead = lane?.waiting.findIndex((run) => run.uid === uid) ?? -1;
    const run = lane?.waiting[ahead];
    if (lane === undefined || run === undefined) return undefined;
    if (lane.running >= run.limit) return { kind: 'pipeline-limit', limit: run.limit, ahead };
    return { kind: 'global-limit', limit: this.#limits.global, ahead };
  }

  #lane(pipelineUid: string): Lane {
    let lane = this.#lanes.get(pipelineUid);
    if (lane === undefined) {
      lane = { waiting: [], running: 0 };
      this.#lanes.set(pipelineUid, lane);
    }
    return lane;
  }

  #pump(): void {
    while (this.#admitted.size < this.#limits.global) {
      const next = this.#next();
      if (next === undefined) return;
      this.#admit(next.uid);
    }
  }

  #next(): QueuedRun | undefined {
    for (const [pipelineUid, lane] of this.#lanes) {
      const run = lane.waiting[0];
      if (run === undefined || lane.running >= run.limit) continue;
      lane.waiting.shift();
      lane.running += 1;
      this.#admitted.set(run.uid, pipelineUid);
      this.#lanes.delete(pipelineUid);
      this.#lanes.set(pipelineUid, lane);
      return run;
    }
    return undefined;
  }
}
