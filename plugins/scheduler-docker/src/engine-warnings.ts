/** What the engine warns of as it makes a container: a limit that it cannot hold, most of all. The same of every task, so it is told once. */
import type { PluginLog } from '@gofer/contracts';
import { RecentSet } from './recent-set.ts';

/** Different warnings that are remembered. */
const KEPT = 100;

export class EngineWarnings {
  readonly #log: PluginLog;
  readonly #told = new RecentSet(KEPT);

  constructor(log: PluginLog) {
    this.#log = log;
  }

  /** `warnings`: as the engine gives them with a container that it has made; it may leave them out. */
  tell(warnings: readonly string[] | null | undefined): void {
    for (const warning of warnings ?? []) {
      if (this.#told.has(warning)) continue;
      this.#told.add(warning);
      this.#log('warn', 'the Docker engine warns of what a task asks for; this is said once', { warning });
    }
  }
}
