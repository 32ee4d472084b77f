/** What is asked of the audit, page by page, and how long it is kept. */
import type { AuditEntry } from '@gofer/contracts/api';
import SQLite from 'better-sqlite3';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../e2e/leftovers.ts';
import { AccessServer } from './access-server.ts';
import { createToken } from './callers.ts';

let server: AccessServer;
beforeAll(async () => {
  server = await AccessServer.start({ 'api.audit_retention': '1h', 'api.event_prune_interval': '1s' });
  await work();
});
afterAll(() => server.close());

const list = async (query: Readonly<Record<string, string | number>>): Promise<AuditEntry[]> => {
  const text = new URLSearchParams(Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)]))).toString();
  return (await server.ask<{ entries: AuditEntry[] }>('GET', `/api/audit?${text}`)).entries;
};

/** Entries of two people, on two namespaces, some of them refused. */
async function work(): Promise<void> {
  const ada = await createToken(server, ['admin']);
  const bob = await createToken(server, ['user']);
  for (const { secret } of [ada, bob]) {
    for (const id of ['first', 'second']) {
      await server.call('POST', '/api/namespaces', { token: secret, body: { id, name: '', description: '' } });
      for (const pipeline of ['demo', 'test'])
        await server.call('DELETE', `/api/namespaces/${id}/pipelines/${pipeline}`, { token: secret });
    }
  }
}

describe('the list of the audit', () => {
  it('is what the filters leave of it, newest first, in pages', async () => {
    const all = await list({ limit: 1000 });
    expect(all.length).toBeGreaterThan(12);
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).toSorted((a, b) => b - a));
    const pick = <Value>(values: readonly Value[]) => fc.option(fc.constantFrom(...new Set(values)), { nil: undefined });
    const filters = fc.record(
      {
        user: pick([...all.map(({ actor }) => actor.user), 'nobody', "' OR 1=1 --"]),
        token_id: pick(all.map(({ actor }) => actor.id)),
        operation: pick([...all.map(({ operation }) => operation), 'DELETE_PIPELINE']),
        result: pick([...all.map(({ result }) => result), 'failure']),
        namespace_id: pick(['first', 'second', 'default', 'firs']),
        pipeline_id: pick(['demo', 'test']),
        since: pick(all.map(({ at }) => at)),
        until: pick(all.map(({ at }) => at)),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(filters, fc.integer({ min: 1, max: 5 }), async (chosen, limit) => {
        const asked = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined)) as Record<
          string,
          string | number
        >;
        const expected = all.filter((entry) => fits(entry, chosen));
        expect(await list({ ...asked, limit: 1000 })).toEqual(expected);
        const paged: AuditEntry[] = [];
        for (let page = await list({ ...asked, limit }); page.length > 0; ) {
          expect(page.length).toBeLessThanOrEqual(limit);
          paged.push(...page);
          page = await list({ ...asked, limit, before: page.at(-1)?.id ?? 1 });
        }
        expect(paged).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses what it cannot use', async () => {
    for (const query of [
      'limit=0',
      'limit=1001',
      'limit=x',
      'before=0',
      'since=-1',
      'until=yesterday',
      `user=${'u'.repeat(257)}`,
      'user=a&user=b',
    ])
      expect((await server.call('GET', `/api/audit?${query}`, { token: server.admin })).code, `for ${query}`).toBe('INVALID_ARGUMENT');
  });

  it('cannot be rewritten, not even in the database', async () => {
    const before = await list({ limit: 1000 });
    const database = new SQLite(server.databasePath);
    try {
      for (const column of ['at = 0', "actor_user = 'nobody'", "result = 'success'", "operation = 'whoami'"])
        expect(() => database.exec(`UPDATE audit SET ${column}`)).toThrow('append-only');
    } finally {
      database.close();
    }
    expect(await list({ limit: 1000 })).toEqual(before);
  });

  it('ends with api.audit_retention, and not before', async () => {
    const kept = await list({ limit: 1000 });
    const hour = 3_600_000;
    const insert = (database: SQLite.Database, at: number): void => {
      database
        .prepare(
          "INSERT INTO audit (id, at, actor_id, actor_user, address, operation, target, result, request_id) VALUES (?, ?, '', 'old', '', 'x', '{}', 'success', '')",
        )
        .run(null, at);
    };
    await server.restart((database) => {
      // Older ones have smaller ids: these are put before all others.
      const rows = database.prepare('SELECT * FROM audit ORDER BY id').all() as Record<string, unknown>[];
      database.exec('DELETE FROM audit');
      for (let minute = 1; minute <= 1200; minute++) insert(database, Date.now() - 2 * hour + minute);
      insert(database, Date.now() - hour / 2);
      const columns = Object.keys(rows[0] ?? {}).filter((column) => column !== 'id');
      const again = database.prepare(`INSERT INTO audit (${columns.join()}) VALUES (${columns.map(() => '?').join()})`);
      for (const row of rows) again.run(columns.map((column) => row[column]));
    });
    await until('the end of what is too old', async () => (await list({ user: 'old' })).length === 1);
    expect(await list({ limit: 1000 })).toHaveLength(kept.length + 1);
  });
});

interface Filters {
  readonly user?: string | undefined;
  readonly token_id?: string | undefined;
  readonly operation?: string | undefined;
  readonly result?: string | undefined;
  readonly namespace_id?: string | undefined;
  readonly pipeline_id?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

function fits({ actor, at, operation, result, target }: AuditEntry, filters: Filters): boolean {
  const same = (asked: string | undefined, value: string | undefined): boolean => asked === undefined || asked === value;
  return (
    same(filters.user, actor.user) &&
    same(filters.token_id, actor.id) &&
    same(filters.operation, operation) &&
    (filters.result === 'failure' ? result !== 'success' : same(filters.result, result)) &&
    same(filters.namespace_id, target['namespace_id']) &&
    same(filters.pipeline_id, target['pipeline_id']) &&
    at >= (filters.since ?? 0) &&
    at < (filters.until ?? Number.MAX_SAFE_INTEGER)
  );
}
