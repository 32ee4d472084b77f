/** What the watchdog looks for: runs without a loop, and loops without anybody who moves them on. */
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';
import type { RunLoop } from './run-loop.ts';
import type { Neglected } from './watchdog.ts';

export interface RunsInMemory {
  readonly store: Store;
  readonly loops: ReadonlyMap<string, RunLoop>;
  /** It waits to be admitted, or to begin. */
  isQueued(run: RunRecord): boolean;
  /** It has a loop, or will have one when its turn comes. */
  isActive(runUid: string): boolean;
  takeUp(runUid: string): void;
  enqueue(loop: RunLoop): void;
}

export function* neglectedRuns({ store, loops, ...runs }: RunsInMemory): Iterable<Neglected> {
  for (const runUid of store.runs.unfinishedUids()) {
    if (!runs.isActive(runUid)) yield { runUid, what: 'it has not ended, and no loop owns it', mend: () => runs.takeUp(runUid) };
  }
  for (const [runUid, loop] of loops) {
    const what = loop.neglect(runs.isQueued(loop.subject.run));
    if (what === undefined) continue;
    yield { runUid, what, mend: loop.isPending ? () => runs.enqueue(loop) : () => loop.post({ kind: 'mend' }) };
  }
}
