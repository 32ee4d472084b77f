/** A task, a real process, that uses its token and prints it in the ways that the page on secrets names: it stays out of all that the server writes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tracesOf } from '../e2e/written-traces.ts';
import { AccessServer } from './access-server.ts';

const PIPELINE = '/api/namespaces/default/pipelines/prints';
const ASK = `
  const { GOFER_API_BASE_URL: url, GOFER_TOKEN: token } = process.env;
  const headers = { authorization: 'Bearer ' + token, 'gofer-api-version': 'v0' };
  for (const path of ['/api/tokens/whoami', '/api/namespaces/default/pipelines/prints', '/api/secrets/global']) {
    const answer = await fetch(url + path, { headers });
    console.log(path, answer.status);
  }`;
const SCRIPT = [
  `"$NODE" --input-type=module -e "$ASK"`,
  'echo "token: $GOFER_API_TOKEN"; echo "$GOFER_TOKEN" >&2; env',
  'printf "%s" "$GOFER_API_TOKEN" | base64; printf "user:%s" "$GOFER_API_TOKEN" | base64 -w 0; echo',
  'printf "%s" "$GOFER_API_TOKEN" | head -c 20; sleep 0.1; printf "%s" "$GOFER_API_TOKEN" | tail -c +21; echo',
  'printf "%s" "$GOFER_API_TOKEN" | fold -w 9; echo',
  'i=0; while [ $i -lt 50 ]; do echo "$i $GOFER_API_TOKEN"; i=$((i+1)); done',
].join('\n');

let server: AccessServer;
beforeAll(async () => {
  server = await AccessServer.start({ 'scheduler.engine': 'process', 'scheduler.process.enable': 'true', 'api.log_level': 'trace' });
});
afterAll(() => server.close());

describe('a process with a token', () => {
  it('reaches what is its own with it, and leaves no trace of it', async () => {
    const task = {
      id: 'one',
      image: 'none',
      depends_on: {},
      variables: { NODE: process.execPath, ASK },
      inject_api_token: true,
      command: ['sh', '-c', SCRIPT],
    };
    await server.ask('POST', `${PIPELINE}/configs`, { config: { id: 'prints', name: 'prints', parallelism: 0, tasks: [task] } });
    await server.ask('POST', `${PIPELINE}/configs/1`);
    const { run } = await server.ask<{ run: { status: string } }>('POST', `${PIPELINE}/runs?wait=60`, {});
    const log = (await server.call('GET', `${PIPELINE}/runs/1/tasks/one/logs/raw`, { token: server.admin })).text;
    expect(run.status, `its log: ${log}`).toBe('successful');
    expect(log).toContain('/api/tokens/whoami 200\n/api/namespaces/default/pipelines/prints 200\n/api/secrets/global 401\n');
    expect(log).toContain('token: [redacted]\n');
    expect(log.match(/^\d+ \[redacted\]$/gm)).toHaveLength(50);

    const token = server.started[0]?.env['GOFER_API_TOKEN'] ?? '';
    expect(token).toMatch(/^gofer_[\w-]{43}$/);
    const secret = token.slice('gofer_'.length);
    expect(await tracesOf([token, secret], server.directory, server.log)).toEqual([]);
    expect(log).not.toContain(secret.slice(0, 16));
  });
});
