import type { Fault } from '../errors.ts';
import { PIPELINE_LIMITS } from './pipeline-limits.ts';

/** Collects faults up to a bound: input that is wrong everywhere must not become an answer without end. */
export class FaultList {
  readonly #faults: Fault[] = [];
  #unlisted = 0;

  add(path: string, message: string): void {
    if (this.#faults.length < PIPELINE_LIMITS.faults) this.#faults.push({ path, message });
    else this.#unlisted += 1;
  }

  get isEmpty(): boolean {
    return this.#faults.length === 0;
  }

  toArray(): readonly Fault[] {
    if (this.#unlisted === 0) return this.#faults;
    return [...this.#faults, { path: '$', message: `${this.#unlisted} more faults are not listed` }];
  }
}
