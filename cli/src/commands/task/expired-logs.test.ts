import { afterAll, beforeAll, expect, it } from 'vitest';
import { GoferClient } from '../../api/gofer-client.ts';
import { runInProcess } from '../../testing/run-in-process.ts';
import { prepareSimple } from '../../testing/sample-pipeline.ts';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';

let server: TestServer;
let client: GoferClient;
beforeAll(async () => {
  server = await startTestServer('fake', { 'api.task_execution_log_retention': '1' });
  client = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
});
afterAll(async () => await server?.close());

it("a log that has expired is told by the server's words and its own exit code", async () => {
  await prepareSimple(client, 'default');
  const path = { namespace_id: 'default', pipeline_id: 'simple' };
  for (let count = 0; count < 2; count += 1) await client.call('start_run', { path, body: { variables: {} }, query: { wait: 30 } });
  const task = { ...path, run_id: 1, task_id: 'hello' };
  const hasExpired = async () => (await client.call('get_task_execution', { path: task })).task_execution.logs_expired;
  await expect.poll(hasExpired, { timeout: 30_000 }).toBe(true);
  for (const flags of [[], ['--raw'], ['--no-follow']]) {
    const outcome = await runInProcess(['task', 'logs', 'simple', '1', 'hello', ...flags], { env: { GOFER_API_BASE_URL: server.url } });
    expect(outcome).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/^x .*expired/u) as string });
  }
});
