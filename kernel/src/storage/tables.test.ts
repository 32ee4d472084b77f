import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PipelineDefinition } from '@gofer/contracts/pipeline';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Store } from './store.ts';

let root: string;
let store: Store;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'gofer-tables-'));
  store = Store.open(join(root, 'gofer.db'));
});
afterAll(() => {
  store.close();
  rmSync(root, { recursive: true, force: true });
});

/** Any text that can be told apart after a round trip: SQLite ends a text at no character, but keeps no lone surrogates. */
const text = fc.string({ unit: 'binary', maxLength: 30 });
const INITIATOR = { id: 'i', user: 'u' };

function newRun(uid: string, pipelineUid: string, more: object = {}) {
  return {
    uid,
    pipelineUid,
    configVersion: 1,
    started: 5,
    initiator: INITIATOR,
    variables: [],
    idempotencyKey: undefined,
    owner: 'me',
    ...more,
  };
}

describe('the tables', () => {
  it('give back what they were given', async () => {
    let number = 0;
    const variable = fc.record({ key: text, value: text, source: fc.constantFrom('run_options' as const, 'system' as const) });
    await fc.assert(
      fc.asyncProperty(
        text,
        text,
        fc.array(variable, { maxLength: 4 }),
        fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true }),
        async (name, description, variables, values) => {
          const id = `round-${(number += 1)}`;
          const task = {
            id: 'one',
            description,
            image: 'any',
            dependsOn: {},
            variables: values,
            injectApiToken: false,
            alwaysPullNewestImage: true,
            command: [name],
          };
          const definition: PipelineDefinition = { id, name, description, parallelism: 3, tasks: [task] };
          await store.commit(() => {
            store.namespaces.insert({ id, name, description }, 7);
            store.pipelines.insert(id, 'default', id, 8);
            store.configs.insert(id, 1, { definition, credentials: undefined }, 9);
            store.runs.insert(newRun(`run-${id}`, id, { variables, idempotencyKey: `key ${name}` }));
            store.taskExecutions.insert(`run-${id}`, 'one', 10, variables);
            store.attempts.insert({ uid: `attempt-${id}`, runUid: `run-${id}`, taskId: 'one', number: 1, engine: name, created: 11 });
            store.attempts.start(`attempt-${id}`, { name, deep: [null, 1, { description }] }, 12);
          });
          expect(store.namespaces.find(id)).toEqual({ id, name, description, created: 7, modified: 0 });
          expect(store.configs.find(id, 1)).toEqual({
            pipelineUid: id,
            version: 1,
            definition,
            state: 'unreleased',
            registered: 9,
            deprecated: 0,
          });
          expect(store.runs.byUid(`run-${id}`)).toMatchObject({ runId: 1, state: 'pending', variables, initiator: INITIATOR, started: 5 });
          expect(store.runs.byIdempotencyKey(id, `key ${name}`)?.uid).toBe(`run-${id}`);
          expect(store.taskExecutions.find(`run-${id}`, 'one')).toMatchObject({ state: 'processing', variables, created: 10 });
          expect(store.attempts.byUid(`attempt-${id}`)).toMatchObject({
            engine: name,
            state: 'running',
            started: 12,
            handle: { name, deep: [null, 1, { description }] },
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('number runs and deployments of each pipeline from 1', async () => {
    await store.commit(() => {
      for (const uid of ['a', 'b']) store.pipelines.insert(uid, 'numbers', uid, 1);
      expect([store.runs.insert(newRun('a1', 'a')), store.runs.insert(newRun('a2', 'a')), store.runs.insert(newRun('b1', 'b'))]).toEqual([
        1, 2, 1,
      ]);
      expect([
        store.deployments.insert('a', 1, 1, 1, 1),
        store.deployments.insert('a', 1, 2, 2, 2),
        store.deployments.insert('b', 1, 1, 1, 1),
      ]).toEqual([1, 2, 1]);
    });
    await expect(store.commit(() => store.runs.insert(newRun('a1', 'a')))).rejects.toThrow(/UNIQUE/);
    await expect(store.commit(() => store.pipelines.insert('c', 'numbers', 'a', 1))).rejects.toThrow(/UNIQUE/);
    await expect(store.commit(() => store.runs.insert(newRun('x', 'nothing')))).rejects.toThrow(/FOREIGN KEY/);
  });

  it('keep a run’s way to its end, and the first reason to cancel it', async () => {
    await store.commit(() => {
      store.pipelines.insert('way', 'default', 'way', 1);
      store.runs.insert(newRun('way1', 'way'));
      store.runs.setRunning('way1', 7);
      const first = { cause: 'cancelled', reason: 'user_cancelled', description: 'first', at: 9, graceMs: 50, force: false } as const;
      store.runs.requestCancel('way1', first);
      store.runs.requestCancel('way1', { ...first, reason: 'admin_cancelled', description: 'second', graceMs: 5, force: true });
    });
    expect(store.runs.unfinished().find(({ uid }) => uid === 'way1')).toMatchObject({
      state: 'running',
      begun: 7,
      cancellation: { reason: 'user_cancelled', description: 'first', graceMs: 5, force: true },
    });
    const reason = { reason: 'user_cancelled', description: 'why “not”' } as const;
    const end = { ended: 20, status: 'cancelled', reason: { reason: 'cancelled', description: 'x' }, exitCode: 143 } as const;
    const log = { lines: 1, bytes: 2, sha256: 'ab', complete: false, problem: 'torn' };
    await store.commit(() => {
      store.taskExecutions.insert('way1', 'live', 1, []);
      store.taskExecutions.start('way1', 'live', 15);
      store.taskExecutions.requestCancel('way1', 'live', { cause: 'task_cancelled', description: 'x', at: 3 }, 500);
      store.taskExecutions.end('way1', 'live', end);
      store.taskExecutions.insertEnded('way1', 'never', { ...end, status: 'skipped', exitCode: undefined });
      store.attempts.insert({ uid: 'way-a', runUid: 'way1', taskId: 'live', number: 1, engine: 'an engine of this test', created: 1 });
      store.attempts.end('way-a', { ...end, log });
      store.runs.complete('way1', 21, 'cancelled', reason);
    });
    expect(store.runs.unfinished().some(({ uid }) => uid === 'way1')).toBe(false);
    expect(store.runs.byUid('way1')).toMatchObject({ state: 'complete', status: 'cancelled', ended: 21, statusReason: reason });
    const [live, never] = store.taskExecutions.list('way1');
    expect(live).toMatchObject({
      taskId: 'live',
      state: 'complete',
      started: 15,
      ended: 20,
      exitCode: 143,
      cancelGraceMs: 500,
      statusReason: end.reason,
    });
    expect(never).toMatchObject({ taskId: 'never', status: 'skipped', started: 0, exitCode: undefined, variables: [] });
    expect(store.attempts.endedButKept('an engine of this test').map(({ uid, log: kept }) => [uid, kept])).toEqual([['way-a', log]]);
    expect(store.attempts.enginesInUse()).toContain('an engine of this test');
    await store.commit(() => {
      store.attempts.markRemoved('way-a');
      store.attempts.markLogsRemoved('way-a');
    });
    expect(store.attempts.byUid('way-a')).toMatchObject({ removed: true, logsRemoved: true, logsExpired: false });
    expect(store.attempts.enginesInUse()).not.toContain('an engine of this test');
  });

  it('free the id of a hidden pipeline, and take everything of a purged one along', async () => {
    await store.commit(() => {
      store.pipelines.insert('old', 'default', 'same', 1);
      const definition = { id: 'same', name: '', description: '', parallelism: 0, tasks: [] };
      store.configs.insert('old', 1, { definition, credentials: undefined }, 1);
      store.deployments.insert('old', 1, 1, 1, 1);
      store.runs.insert(newRun('old1', 'old'));
      store.taskExecutions.insert('old1', 'one', 1, []);
      store.attempts.insert({ uid: 'old-a', runUid: 'old1', taskId: 'one', number: 1, engine: 'an engine of this test', created: 1 });
      expect(store.runs.usesVersion('old', 1)).toBe(true);
      store.pipelines.hide('old', 2);
      store.pipelines.insert('new', 'default', 'same', 3);
    });
    expect(store.pipelines.find('default', 'same')?.uid).toBe('new');
    expect(store.pipelines.hidden().map(({ uid }) => uid)).toEqual(['old']);
    expect(store.pipelines.byUid('old')?.metadata.pipeline_id).toBe('same');
    await store.commit(() => store.pipelines.purge('old'));
    expect(store.pipelines.hidden()).toEqual([]);
    expect([
      store.runs.byUid('old1'),
      store.attempts.byUid('old-a'),
      store.configs.find('old', 1),
      store.deployments.find('old', 1),
    ]).toEqual([undefined, undefined, undefined, undefined]);
    expect(store.taskExecutions.list('old1')).toEqual([]);
  });

  it('remember what the configuration said of a new database, and never again', async () => {
    const { system } = store;
    expect(system.preferences()).toEqual({ bootstrap_token_created: false, ignore_pipeline_run_events: false });
    await store.commit(() => {
      system.initialiseIgnorePipelineRunEvents(true);
      system.initialiseIgnorePipelineRunEvents(false);
    });
    expect(system.preferences().ignore_pipeline_run_events).toBe(true);
  });
});
