import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoferError } from '@gofer/contracts';
import SQLite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewAuditEntry } from './audit-table.ts';
import { Store } from './store.ts';

const ENTRY: NewAuditEntry = {
  at: 5,
  actor: { id: 'token', user: 'alice' },
  address: '127.0.0.1',
  operation: 'create_namespace',
  target: { id: 'new' },
  requestId: 'request',
};
let directory: string;
let store: Store;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-audit-'));
  store = Store.open(join(directory, 'gofer.db'));
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true });
});

const namespace = (id: string) => store.namespaces.insert({ id, name: id, description: '' }, 1);
const entries = () => store.audit.list({ limit: 100 });

describe('the trail', () => {
  it('has one entry a request, in the first of its audited commits', async () => {
    let seenInside: unknown;
    await store.trail.record(ENTRY, async () => {
      await store.commit(() => undefined);
      expect(entries()).toEqual([]);
      await store.commitAudited(() => {
        namespace('new');
        store.trail.add('made', 7);
      });
      seenInside = entries().map(({ target, result }) => ({ target, result }));
      await store.commitAudited(() => namespace('other'));
    });
    expect(seenInside).toEqual([{ target: { id: 'new', made: '7' }, result: 'success' }]);
    expect(entries()).toHaveLength(1);
  });

  it('is not there without the change, nor the change without it', async () => {
    const failing = store.trail.record(ENTRY, () =>
      store.commitAudited(() => {
        namespace('new');
        throw new GoferError('ALREADY_EXISTS', 'There is one.');
      }),
    );
    await expect(failing).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(store.namespaces.find('new')).toBeUndefined();
    expect(entries().map(({ result }) => result)).toEqual(['ALREADY_EXISTS']);
  });

  it('is written before a reading is answered, and after a refusal', async () => {
    expect(await store.trail.record(ENTRY, async () => 'the value')).toBe('the value');
    await expect(store.trail.record(ENTRY, async () => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
    expect(entries().map(({ result }) => result)).toEqual(['INTERNAL', 'success']);
  });

  it('keeps requests apart that go on at the same time, and takes nothing for what goes on behind them', async () => {
    const later: Promise<void>[] = [];
    await Promise.all(
      ['a', 'b', 'c'].map((id) =>
        store.trail.record({ ...ENTRY, requestId: id }, async () => {
          await new Promise((resolve) => setImmediate(resolve));
          await store.commitAudited(() => {
            namespace(id);
            store.trail.add('made', id);
          });
          later.push(new Promise<void>((resolve) => setImmediate(resolve)).then(() => store.commitAudited(() => namespace(`${id}-2`))));
        }),
      ),
    );
    await Promise.all(later);
    const made = entries().map(({ request_id, target }) => [request_id, target['made']]);
    expect(made.sort(([a = ''], [b = '']) => a.localeCompare(b))).toEqual([
      ['a', 'a'],
      ['b', 'b'],
      ['c', 'c'],
    ]);
  });

  it('is found by what it tells, in pages, newest first', async () => {
    const write = (change: Partial<NewAuditEntry>, result = 'success') =>
      store.commit(() => store.audit.insert({ ...ENTRY, ...change }, result));
    await write({ at: 1, operation: 'start_run', target: { namespace_id: 'dev', pipeline_id: 'p' } });
    await write({ at: 2, actor: { id: 'other', user: 'bob' } }, 'PERMISSION_DENIED');
    await write({ at: 3 });
    const ids = (query: object) => store.audit.list({ limit: 10, ...query }).map(({ id }) => id);
    expect(ids({})).toEqual([3, 2, 1]);
    expect(ids({ limit: 2 })).toEqual([3, 2]);
    expect(ids({ before: 2 })).toEqual([1]);
    expect([ids({ since: 2 }), ids({ until: 2 }), ids({ user: 'bob' }), ids({ tokenId: 'other' })]).toEqual([[3, 2], [1], [2], [2]]);
    expect([ids({ result: 'failure' }), ids({ result: 'success' }), ids({ result: 'PERMISSION_DENIED' })]).toEqual([[2], [3, 1], [2]]);
    expect([ids({ operation: 'start_run' }), ids({ namespaceId: 'dev' }), ids({ pipelineId: 'p', namespaceId: 'x' })]).toEqual([
      [1],
      [1],
      [],
    ]);
    expect(store.audit.prune(2, 100)).toBe(1);
    expect(ids({})).toEqual([3, 2]);
  });

  it('cannot be rewritten', async () => {
    await store.commit(() => store.audit.insert(ENTRY, 'success'));
    store.close();
    const connection = new SQLite(join(directory, 'gofer.db'));
    expect(() => connection.exec("UPDATE audit SET result = 'nothing happened'")).toThrow('the audit is append-only');
    connection.close();
    store = Store.open(join(directory, 'gofer.db'));
  });
});
