/**
 * How many tasks may be with the scheduler at once (`scheduler.max_running_tasks`). Runs take turns for a free slot, so a run with a
 * thousand ready tasks does not keep a run with one waiting.
 */
export class TaskSlots {
  readonly capacity: number;
  #used = 0;
  /** Run → its tasks that wait, in order; runs in the order of their turns. */
  readonly #waiting = new Map<string, { task: number; grant: () => void }[]>();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes a slot now, or answers false. Nobody overtakes those who wait. */
  tryTake(): boolean {
    if (this.#used >= this.capacity || this.#waiting.size > 0) return false;
    this.#used += 1;
    return true;
  }

  /** Counts slots that are in use already, as after a restart. */
  resume(count: number): void {
    this.#used += count;
  }

  isWaiting(runUid: string, task: number): boolean {
    return this.#waiting.get(runUid)?.some((entry) => entry.task === task) ?? false;
  }

  /** Calls `grant` once a slot has been taken for this task: at once where one is free. */
  wait(runUid: string, task: number, grant: () => void): void {
    const queue = this.#waiting.get(runUid);
    if (queue === undefined) this.#waiting.set(runUid, [{ task, grant }]);
    else queue.push({ task, grant });
    this.#grantFree();
  }

  /** False where the task did not wait (any more). */
  giveUp(runUid: string, task: number): boolean {
    const queue = this.#waiting.get(runUid);
    const index = queue?.findIndex((entry) => entry.task === task) ?? -1;
    if (queue === undefined || index < 0) return false;
    queue.splice(index, 1);
    if (queue.length === 0) this.#waiting.delete(runUid);
    return true;
  }

  /** Forgets every task of a run that waits. */
  giveUpAll(runUid: string): void {
    this.#waiting.delete(runUid);
  }

  release(): void {
    this.#used -= 1;
    this.#grantFree();
  }

  #grantFree(): void {
    while (this.#used < this.capacity) {
      const turn = this.#waiting.entries().next().value;
      if (turn === undefined) return;
      const [runUid, queue] = turn;
      const entry = queue.shift();
      this.#waiting.delete(runUid);
      if (queue.length > 0) this.#waiting.set(runUid, queue);
      if (entry === undefined) continue;
      this.#used += 1;
      entry.grant();
    }
  }
}
