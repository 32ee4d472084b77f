import { LogKeeper } from './log-keeper.ts';
import type { LogCall, LogCallKind, LogCalls, LogLane, LogSession } from './protocol.ts';

/** Keeps logs in the caller's own thread. */
export class InlineLane implements LogLane {
  readonly #keeper: LogKeeper;

  constructor(directory: string) {
    this.#keeper = new LogKeeper(directory);
  }

  async call<Kind extends LogCallKind>(kind: Kind, takes: LogCalls[Kind]['takes']): Promise<LogCalls[Kind]['gives']> {
    // The compiler does not connect a call of a kind with the answer of the same kind; the keeper's switch does.
    return this.#keeper.handle({ kind, ...takes } as LogCall);
  }

  session(): LogSession {
    return this;
  }

  close(): Promise<void> {
    this.#keeper.close();
    return Promise.resolve();
  }
}
