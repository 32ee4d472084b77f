import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '@gofer/contracts';
import SQLite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { Store } from './store.ts';

let root: string;
let path: string;
let store: Store;
let number = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'gofer-commits-'));
});
beforeEach(() => {
  path = join(root, `${(number += 1)}`, 'gofer.db');
  store = Store.open(path);
});
afterEach(() => store.close());
afterAll(() => rmSync(root, { recursive: true, force: true }));

const add = (id: string) => () => store.namespaces.insert({ id, name: '', description: '' }, 1);
const emit = (id: string) => () => store.events.emit('created_namespace', { namespace_id: id }, 1);

/** What another connection sees: only what was committed. */
function seen(): string[] {
  const other = new SQLite(path, { readonly: true });
  const ids = other.prepare<[], { id: string }>('SELECT id FROM namespaces ORDER BY id').all();
  other.close();
  return ids.map(({ id }) => id);
}

describe('a commit', () => {
  it('answers with what the work gave, once that is on the disk', async () => {
    const answer = store.commit(() => {
      add('one')();
      return 42;
    });
    expect(seen()).toEqual([]);
    expect(await answer).toBe(42);
    expect(seen()).toEqual(['one']);
  });

  it('is shared by everything of one turn, in order, and each sees what came before it', async () => {
    const order: string[] = [];
    const unit = (id: string) =>
      store.commit(() => {
        order.push(id);
        expect(store.namespaces.list(-1, 0).map((namespace) => namespace.id)).toEqual(order.slice(0, -1));
        add(id)();
      });
    await Promise.all([
      unit('a'),
      unit('b'),
      unit('c').then(() => {
        // Nobody hears of a part of it.
        expect(seen()).toEqual(['a', 'b', 'c']);
      }),
    ]);
    expect(order).toEqual(['a', 'b', 'c']);
  });

  it('of a unit that throws is rolled back alone', async () => {
    const bad = store.commit(() => {
      add('bad')();
      throw new Error('no');
    });
    const double = store.commit(() => {
      add('more')();
      add('good')();
      add('good')();
    });
    const results = await Promise.allSettled([store.commit(add('first')), bad, double, store.commit(add('last'))]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(seen()).toEqual(['first', 'last']);
  });

  it('makes events visible, and wakes who waits for them, only once it is done', async () => {
    let woken = 0;
    const forget = store.events.subscribe(() => {
      woken += 1;
      expect(seen()).toEqual(['one']);
    });
    const work = store.commit(() => {
      add('one')();
      emit('one')();
    });
    expect(woken).toBe(0);
    await work;
    expect(woken).toBe(1);
    await store.commit(add('two')).catch(() => {});
    expect(woken).toBe(1);
    forget();
    await store.commit(emit('one'));
    expect(woken).toBe(1);
  });

  it('gives events their order, also between units of which one failed', async () => {
    await Promise.allSettled([
      store.commit(emit('a')),
      store.commit(() => {
        emit('never')();
        throw new Error('no');
      }),
      store.commit(emit('b')),
    ]);
    const names = store.events.after(0, 10).map(({ event }) => JSON.stringify(event.kind));
    expect(names).toEqual(
      [{ created_namespace: { namespace_id: 'a' } }, { created_namespace: { namespace_id: 'b' } }].map((kind) => JSON.stringify(kind)),
    );
  });

  it('is made by close, and refused after it', async () => {
    const last = store.commit(add('last'));
    store.close();
    await last;
    expect(seen()).toEqual(['last']);
    await expect(store.commit(add('late'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('a full disk', () => {
  const disk = (): string => join(root, 'disk');
  let mounted = false;
  beforeAll(() => {
    mkdirSync(disk());
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk()], { stdio: 'ignore' });
      mounted = true;
    } catch {
      // Only root may: the test says that it was skipped.
    }
  });
  afterAll(() => {
    if (mounted) execFileSync('umount', [disk()]);
  });

  it('refuses what it has no room for, changes nothing, and takes it once there is room', async ({ skip }) => {
    if (!mounted) skip('mounting a small disk is not permitted here');
    const small = new Store(openDatabase(join(disk(), 'gofer.db')));
    try {
      const fill = (id: string, size: number) =>
        small.commit(() => small.namespaces.insert({ id, name: '', description: 'x'.repeat(size) }, 1));
      await fill('before', 10);
      const ballast = join(disk(), 'ballast');
      expect(() => writeFileSync(ballast, Buffer.alloc(4_000_000))).toThrow(/ENOSPC/);
      const refused = await Promise.allSettled([fill('large', 500_000), fill('beside', 10)]);
      for (const result of refused) {
        expect(result.status).toBe('rejected');
        if (result.status === 'rejected') expect(codeOf(result.reason)).toBe('STORAGE_FULL');
      }
      expect(small.namespaces.list(-1, 0).map(({ id }) => id)).toEqual(['before']);
      rmSync(ballast);
      await fill('large', 500_000);
      expect(
        small.namespaces
          .list(-1, 0)
          .map(({ id }) => id)
          .toSorted(),
      ).toEqual(['before', 'large']);
    } finally {
      small.close();
    }
  });
});
