/** What the SDK of extensions takes the server to be, held against the server. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GoferClient } from '../../cli/src/api/gofer-client.ts';
import { prepareSimple } from '../../cli/src/testing/sample-pipeline.ts';
import { startTestServer, type TestServer } from '../../cli/src/testing/test-server.ts';
import { exchange } from '../../sdk/src/extension/exchange.ts';
import { createGoferApi } from '../../sdk/src/extension/gofer-api.ts';
import { createRealClock } from '../../sdk/src/extension/real-clock.ts';

const PIPELINE = { namespaceId: 'default', pipelineId: 'simple' };
const KINDS = ['completed_run'];

describe('the SDK of extensions with a server', () => {
  let server: TestServer;
  let api: ReturnType<typeof createGoferApi>;

  beforeAll(async () => {
    server = await startTestServer('fake');
    const client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
    await prepareSimple(client, 'default');
    const { token_details } = await client.call('create_token', { body: { user: 'tides', roles: ['admin'], expires: 0 } });
    const token = (token_details as { token?: string }).token ?? 'none';
    api = createGoferApi({ url: server.url, token, clock: createRealClock(), exchange, WebSocket, random: Math.random });
  });

  afterAll(async () => {
    await server.close();
  });

  /** The numbers of the runs that end, until there are so many. */
  async function ends(count: number, after?: string): Promise<{ runs: unknown[]; last: string }> {
    const abort = new AbortController();
    const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(20_000)]);
    const runs: unknown[] = [];
    let last = '';
    for await (const event of api.events({ kinds: KINDS, signal, ...(after === undefined ? {} : { after }) })) {
      runs.push(event.payload['run_id']);
      last = event.id;
      if (runs.length === count) abort.abort();
    }
    return { runs, last };
  }

  test('a run is started once, is waited for, and its end is told to who follows', async () => {
    const first = await api.startRun(PIPELINE, { idempotencyKey: 'tide-1', variables: { LEVEL: 'high' } });
    expect(await api.startRun(PIPELINE, { idempotencyKey: 'tide-1' })).toEqual(first);
    expect(await api.getRun(PIPELINE, first.runId, { waitSeconds: 20 })).toMatchObject({ state: 'complete', status: 'successful' });

    const following = ends(2);
    // Following begins behind the newest event there is by then: the end of the first of these may be that.
    const started: number[] = [];
    for (let tide = 2; tide < 6; tide += 1) {
      const { runId } = await api.startRun(PIPELINE, { idempotencyKey: `tide-${tide}` });
      started.push(runId);
      await api.getRun(PIPELINE, runId, { waitSeconds: 20 });
    }
    const { runs, last } = await following;
    expect(started).toEqual(expect.arrayContaining(runs));
    expect(runs).not.toContain(first.runId);

    const { runId } = await api.startRun(PIPELINE, { idempotencyKey: 'last' });
    await api.getRun(PIPELINE, runId, { waitSeconds: 20 });
    const behind = started.filter((run) => run > Number(runs[1]));
    expect((await ends(behind.length + 1, last)).runs).toEqual([...behind, runId]);
  });

  test('what it refuses has its code', async () => {
    await expect(api.startRun({ ...PIPELINE, pipelineId: 'none' }, { idempotencyKey: 'x' })).rejects.toMatchObject({
      errorCode: 'NOT_FOUND',
    });
    await expect(api.getRun(PIPELINE, 999)).rejects.toMatchObject({ statusCode: 404, errorCode: 'NOT_FOUND' });
    // An id that the server has never given stands for one that it has forgotten: everything that is stored comes.
    expect((await ends(1, '01890000-0000-7000-8000-000000000000')).runs).toEqual([1]);
  });
});
