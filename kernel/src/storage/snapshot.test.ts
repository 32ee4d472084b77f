import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkDatabase } from './integrity.ts';
import { Snapshot, writeSnapshot } from './snapshot.ts';
import { Store } from './store.ts';

let root: string;
let path: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gofer-snapshot-'));
  path = join(root, 'server', 'gofer.db');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a snapshot', () => {
  it('is for its owner alone, wherever it is written, and overwrites nothing', () => {
    const store = Store.open(path);
    const to = join(root, 'copy.db');
    writeSnapshot(path, to);
    expect(statSync(to).mode & 0o777).toBe(0o600);
    const snapshot = new Snapshot(to);
    expect(snapshot.instanceId).toBe(store.system.instanceId);
    snapshot.close();
    expect(() => writeSnapshot(path, to)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    store.close();
  });
});

describe('the check of a database', () => {
  it('mends a run that has ended without its task and its attempt, so that nothing of it is found again', async () => {
    const store = Store.open(path);
    await store.commit(() => {
      store.pipelines.insert('p', 'default', 'p', 1);
      const initiator = { id: 'i', user: 'u' };
      const owner = store.system.instanceId;
      store.runs.insert({
        uid: 'r',
        pipelineUid: 'p',
        configVersion: 1,
        started: 1,
        initiator,
        variables: [],
        idempotencyKey: undefined,
        owner,
      });
      store.taskExecutions.insert('r', 'one', 2, []);
      store.attempts.insert({ uid: 'a', runUid: 'r', taskId: 'one', number: 1, engine: 'fake', created: 2 });
      store.runs.complete('r', 9, 'failed', undefined);
    });
    expect(store.attempts.countUnfinished()).toBe(0);
    store.close();
    expect(checkDatabase(path, false).map(({ subject }) => subject)).toEqual(['r/one', 'a']);
    expect(checkDatabase(path, true).map(({ repaired }) => repaired)).toEqual([
      'the task has failed as orphaned',
      'the attempt has failed as orphaned',
    ]);
    expect(checkDatabase(path, false)).toEqual([]);
    const mended = Store.open(path);
    expect(mended.attempts.byUid('a')).toMatchObject({ state: 'complete', status: 'failed', ended: 9, removed: false });
    mended.close();
  });
});
