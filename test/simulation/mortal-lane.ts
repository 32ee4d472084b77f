import { InlineLane } from '../../kernel/src/workers/logs/inline-lane.ts';
import type { LogCallKind, LogCalls, LogLane, LogSession } from '../../kernel/src/workers/logs/protocol.ts';

/** Keeps logs until its server dies; from then on it writes nothing more, and answers nobody. */
export class MortalLane implements LogLane {
  readonly #lane: InlineLane;
  #isDead = false;

  constructor(directory: string) {
    this.#lane = new InlineLane(directory);
  }

  async call<Kind extends LogCallKind>(kind: Kind, takes: LogCalls[Kind]['takes']): Promise<LogCalls[Kind]['gives']> {
    if (this.#isDead) return new Promise(() => {});
    return this.#lane.call(kind, takes);
  }

  session(): LogSession {
    return this;
  }

  /** At once, with what was written so far. */
  die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    void this.#lane.close();
  }

  async close(): Promise<void> {
    this.die();
  }
}
