/** Removes what is deleted and gives its room back, in steps between which everything else goes on. */
import type { PluginLog } from '@gofer/contracts';
import type { BlobTable } from './blob-table.ts';

export class Purge {
  readonly #table: BlobTable;
  readonly #log: PluginLog;
  #running: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(table: BlobTable, log: PluginLog) {
    this.#table = table;
    this.#log = log;
  }

  /** There is something to remove. */
  wake(): void {
    this.#again = true;
    if (this.#closed) return;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        while (await this.#step(() => this.#table.purgeSome()));
        let shorter = false;
        while (await this.#step(() => this.#table.vacuumSome())) shorter = true;
        if (shorter) this.#table.checkpoint();
      }
    } catch (error) {
      // Nobody sees what is left, and it is tried again with the next deletion and by the next instance.
      const why = error instanceof Error ? error.message : String(error);
      this.#log('warn', 'the room of deleted objects could not be given back yet', { why });
    }
  }

  async #step(step: () => boolean): Promise<boolean> {
    await new Promise(setImmediate);
    return !this.#closed && step();
  }
}
