/** What a server says of who one is that asks nobody. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runInProcess } from '../testing/run-in-process.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer('fake');
});
afterAll(async () => await server?.close());
const gofer = (argv: readonly string[], env: Record<string, string> = {}) =>
  runInProcess(argv, { env: { GOFER_API_BASE_URL: server.url, ...env } });

it('is said as that, not as a token that there is not', async () => {
  for (const env of [{}, { GOFER_TOKEN: 'gofer_whatever' }]) {
    const { code, stdout } = await gofer(['token', 'whoami'], env);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^! Authentication is bypassed: .*\n {2}You count as Anonymous \(roles: admin\)\.\n.*bypass_auth/u),
    });
    expect(stdout).not.toContain('Token 0');
    expect((await gofer(['context'], env)).stdout).toMatch(/^You are +Anonymous \(roles: admin\): the server asks for no token$/mu);
  }
  expect(JSON.parse((await gofer(['token', 'whoami', '--output-format', 'json'])).stdout)).toMatchObject({ id: '0', user: 'Anonymous' });
});
