/** Which faults a seed has, and how often. Few at a time: a seed with everything at once rarely gets far enough to find anything. */
import type { Random } from './random.ts';

/** Probabilities; 0 where the seed does not have that fault. */
export interface FaultPlan {
  /** That the server dies at a point: a commit, a call of the scheduler, its answer, a timer. */
  readonly crash: number;
  /** That a death is an orderly leaving, which takes some seconds. */
  readonly orderly: number;
  /** That a commit finds the disk full, from then on for a while. */
  readonly fullDisk: number;
  /** That the engine cannot be reached from a moment on, for a while. */
  readonly outage: number;
  /** That a call, or its answer, takes up to half a minute. */
  readonly slowCall: number;
  /** That a call is delivered twice. */
  readonly doubleCall: number;
  /** That the stream of an output breaks. */
  readonly brokenOutput: number;
  /** That a task is lost. */
  readonly lost: number;
  /** That a start is refused. */
  readonly refusal: number;
  /** That the wall clock is set by an hour at a moment. */
  readonly clockStep: number;
  /** That the machine stands still for some seconds at a moment. */
  readonly stall: number;
  /** That somebody cancels something at a moment. */
  readonly cancel: number;
}

export function anyFaultPlan(random: Random): FaultPlan {
  const rate = (share: number, least: number, most: number): number => {
    const drawn = least * (most / least) ** random.next();
    return random.chance(share) ? drawn : 0;
  };
  return {
    crash: rate(0.7, 0.002, 0.08),
    orderly: random.next() * 0.5,
    fullDisk: rate(0.3, 0.005, 0.05),
    outage: rate(0.4, 0.02, 0.15),
    slowCall: rate(0.5, 0.01, 0.2),
    doubleCall: rate(0.4, 0.01, 0.3),
    brokenOutput: rate(0.4, 0.01, 0.2),
    lost: rate(0.4, 0.02, 0.3),
    refusal: rate(0.4, 0.02, 0.3),
    clockStep: rate(0.3, 0.02, 0.1),
    stall: rate(0.3, 0.02, 0.1),
    cancel: rate(0.5, 0.05, 0.3),
  };
}
