import type { Event } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoferClient } from '../api/gofer-client.ts';
import { startBreakableProxy } from '../testing/breakable-proxy.ts';
import { runInProcess } from '../testing/run-in-process.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const KINDS = ['created_namespace', 'deleted_namespace'];

describe('gofer event list', () => {
  let server: TestServer;
  let client: GoferClient;
  let number = 0;
  /** Two events that are asked for, and no other. */
  async function happen(times: number): Promise<void> {
    for (let each = 0; each < times; each += 1) {
      number += 1;
      const id = `happened-${number}`;
      await client.call('create_namespace', { body: { id, name: id, description: '' } });
      await client.call('delete_namespace', { path: { namespace_id: id } });
    }
  }
  const list = async (...flags: string[]): Promise<Event[]> => {
    const { code, stdout } = await runInProcess(['event', 'list', ...flags, '--output-format', 'json'], {
      env: { GOFER_API_BASE_URL: server.url },
    });
    expect(code).toBe(0);
    return eventsOf(stdout);
  };

  beforeAll(async () => {
    server = await startTestServer('fake', { 'extensions.install_base_extensions': 'false' });
    client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
    await happen(3);
  });
  afterAll(async () => await server?.close());

  it('shows what is stored and ends with --no-follow, of the kinds and the time that are asked for', async () => {
    const all = await list('--no-follow');
    expect(all.map(({ id }) => id)).toEqual((await list('--reverse')).map(({ id }) => id).toReversed());
    const created = all.filter(({ kind }) => 'created_namespace' in kind);
    expect(created.length).toBeGreaterThanOrEqual(3);
    expect(await list('--no-follow', '--kind', 'created_namespace')).toEqual(created);
    expect(await list('--limit', '2', '--kind', 'created_namespace')).toEqual(created.slice(-2));
    const moment = created.at(-1)?.emitted ?? 0;
    expect(await list('--no-follow', '--since', String(moment))).toEqual(all.filter(({ emitted }) => emitted >= moment));
    expect(await list('--no-follow', '--since', '2100-01-01')).toEqual([]);
  });

  it.each([[['--follow', '--since', '1h']], [['--no-history']], [['--limit', '1', '--follow']]])(
    'with %j misses nothing and repeats nothing, however often the connection is lost',
    async (flags) => {
      const ofKinds = KINDS.flatMap((kind) => ['--kind', kind]);
      const before = await list('--no-follow', ...ofKinds);
      const proxy = await startBreakableProxy(new URL(server.url).port);
      const state = { seen: 0, lost: 0, wanted: 1 };
      const happening: Promise<void>[] = [];
      try {
        const following = runInProcess(['event', 'list', ...flags, ...ofKinds, '--output-format', 'json'], {
          env: { GOFER_API_BASE_URL: `http://127.0.0.1:${proxy.port}` },
          onStdout: (all, signal) => {
            state.seen = eventsOf(all).length;
            if (state.seen < state.wanted) return;
            if (state.lost === 4) return signal('SIGINT');
            state.lost += 1;
            state.wanted = state.seen + 4;
            // What happens while nobody is connected is not lost either.
            proxy.breakAll();
            happening.push(happen(2));
          },
        });
        // From when on it follows is not to be seen from outside, only that it does.
        if (flags.includes('--no-history')) {
          await expect.poll(async () => (state.seen > 0 ? 1 : await happen(1)), { timeout: 30_000, interval: 50 }).toBe(1);
        }
        const { code, stdout } = await following;
        await Promise.all(happening);
        expect(code).toBe(0);
        const seen = eventsOf(stdout);
        const after = await list('--no-follow', ...ofKinds);
        const first = after.findIndex(({ id }) => id === seen[0]?.id);
        if (flags.includes('--since')) expect(first).toBe(0);
        if (flags.includes('--limit')) expect(first).toBe(before.length - 1);
        if (flags.includes('--no-history')) expect(first).toBeGreaterThanOrEqual(before.length);
        expect(seen).toEqual(after.slice(first, first + seen.length));
        expect(seen.length).toBeGreaterThan(16);
      } finally {
        await proxy.close();
      }
    },
  );

  it.each([
    [['--reverse', '--follow'], /--follow never ends/u],
    [['--no-history', '--since', '1h'], /--since begins with what is stored/u],
    [['--since', 'yesterday'], /--since is a time such as/u],
  ])('refuses %j', async (flags, message) => {
    const { code, stderr } = await runInProcess(['event', 'list', ...flags], { env: { GOFER_API_BASE_URL: server.url } });
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});

function eventsOf(stdout: string): Event[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Event);
}
