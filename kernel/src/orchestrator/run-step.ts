/**
 * One turn of a run's loop, put together before anything happens: what has ended (to be decided on), what will be written in one
 * commit, and what will be done after it. Writing is repeatable: a commit that fails is tried again with the same step.
 */
import type { FinishedTask } from '../domain/index.ts';

export class RunStep {
  readonly finished: FinishedTask[] = [];
  /** True where there is something to decide even though nothing has finished. */
  mustDecide = false;
  readonly #writes: (() => void)[] = [];
  #isUrgent = false;
  readonly #acts: (() => void)[] = [];

  get needsDecision(): boolean {
    return this.mustDecide || this.finished.length > 0;
  }

  get isEmpty(): boolean {
    return this.#writes.length === 0 && this.#acts.length === 0;
  }

  /** Somebody waits for the commit: what follows from it, or what is to be done after it. */
  get isUrgent(): boolean {
    return this.#isUrgent || this.mustDecide;
  }

  /** In the commit. */
  write(write: () => void): void {
    this.#writes.push(write);
    this.#isUrgent = true;
  }

  /** In the commit, which may wait a little to be shared: for what can be found out again after a crash. */
  writeSoon(write: () => void): void {
    this.#writes.push(write);
  }

  /** After the commit. Must not throw, and must be safe to repeat after a crash. */
  act(act: () => void): void {
    this.#acts.push(act);
    this.#isUrgent = true;
  }

  /** After the commit, whenever that is. */
  actSoon(act: () => void): void {
    this.#acts.push(act);
  }

  performWrites(): void {
    for (const write of this.#writes) write();
  }

  performActs(): void {
    for (const act of this.#acts) act();
  }
}
