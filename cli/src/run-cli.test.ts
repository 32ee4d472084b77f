import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInProcess } from './testing/run-in-process.ts';

describe('the configuration', () => {
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'gofer-cli-config-'));
    await writeFile(join(home, '.gofer.toml'), 'namespace = "from-file"\ndetail = true\ntoken = "geheim"\n');
  });
  afterAll(async () => await rm(home, { recursive: true, force: true }));

  const context = async (argv: readonly string[], env: Record<string, string> = {}) => {
    const { stdout } = await runInProcess(['context', '--output-format', 'json', ...argv], {
      workingDirectory: home,
      env: { GOFER_API_BASE_URL: 'http://127.0.0.1:1/', ...env },
    });
    expect(stdout).not.toContain('geheim');
    return (JSON.parse(stdout) as { configuration: Record<string, unknown> }).configuration;
  };

  it('comes from the file, the environment and flags, in that order', async () => {
    expect(await context([])).toMatchObject({ namespace: 'from-file', detail: true, token_set: true });
    expect(await context([], { GOFER_NAMESPACE: 'from-environment' })).toMatchObject({ namespace: 'from-environment' });
    expect(await context(['--namespace', 'from-flag'], { GOFER_NAMESPACE: 'from-environment' })).toMatchObject({ namespace: 'from-flag' });
    expect(await context(['--host', 'localhost:9'])).toMatchObject({ api_base_url: 'http://localhost:9/' });
  });

  it('names what is wrong with it and where', async () => {
    await writeFile(join(home, 'bad.toml'), 'namespace = 3\ndetial = true\n');
    const { code, stderr } = await runInProcess(['pipeline', 'list', '--config', 'bad.toml'], { workingDirectory: home });
    expect(stderr).toMatch(/bad\.toml:1/u);
    expect(stderr).toMatch(/bad\.toml:2.*detail/u);
    expect(code).toBe(78);
  });
});

describe('flags that cannot be used', () => {
  it.each([
    [['service', 'start', '--log-level', 'loud', '--set', 'api.nope=3'], /--log-level: .*not "loud"/u],
    [['service', 'start', '--log-level', 'loud', '--set', 'api.nope=3'], /--set api\.nope/u],
    [['namespace', 'list', '--api-base-url', 'ftp://x'], /--api-base-url: .*not "ftp:\/\/x"/u],
  ])('are named as they are typed: %j', async (argv, message) => {
    const { code, stderr } = await runInProcess(argv, { workingDirectory: '/nonexistent' });
    expect(stderr).toMatch(message);
    expect(code).toBe(78);
  });
});

describe('errors', () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });
  async function serverThat(answer: RequestListener): Promise<string> {
    const server = createServer(answer);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }

  it('say which server does not answer and how to start one', async () => {
    const { code, stdout, stderr } = await runInProcess(['namespace', 'list', '--api-base-url', 'http://127.0.0.1:1/']);
    expect(stderr).toMatch(/^x no Gofer server can be reached at http:\/\/127\.0\.0\.1:1: connection refused/u);
    expect(stderr).toContain('gofer service start');
    expect(stdout).toBe('');
    expect(code).toBe(6);
  });

  it('are one line of JSON where JSON is asked for', async () => {
    const { stderr } = await runInProcess(['namespace', 'list', '--api-base-url', 'http://127.0.0.1:1/', '--output-format', 'json']);
    expect(JSON.parse(stderr)).toMatchObject({ error_code: 'UNAVAILABLE' });
  });

  it("carry the server's words, places and exit code, without its escape codes", async () => {
    const body = {
      request_id: 'r-1',
      error_code: 'INVALID_ARGUMENT',
      message: '\u001b[2Jbad \u001b]0;x\u0007name',
      details: [{ path: '$.name', message: 'too \u0007long' }],
    };
    const url = await serverThat((_, response) =>
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    );
    const { code, stderr } = await runInProcess(['namespace', 'get', 'x', '--api-base-url', url]);
    expect(stderr).toBe('x bad name\n  $.name: too long\n');
    expect(code).toBe(2);
    const debug = await runInProcess(['namespace', 'get', 'x', '--api-base-url', url, '--debug']);
    expect(debug.stderr).toContain('request r-1');
  });

  it('know a server that is not Gofer', async () => {
    const url = await serverThat((_, response) => response.writeHead(502).end('<html>Bad gateway</html>'));
    const { code, stderr } = await runInProcess(['namespace', 'list', '--api-base-url', url]);
    expect(stderr).toMatch(/answered 502 Bad Gateway and is not a Gofer server/u);
    expect(code).toBe(6);
    const page = await serverThat((_, response) => response.end('<html>Hello</html>'));
    expect((await runInProcess(['namespace', 'list', '--api-base-url', page])).stderr).toMatch(/is not JSON; is it a Gofer server\?/u);
  });

  it('send the token and the version of the API, below a prefix too', async () => {
    const seen: (string | undefined)[] = [];
    const url = await serverThat((request, response) => {
      seen.push(request.url, request.headers.authorization, String(request.headers['gofer-api-version']));
      response.end('{"namespaces":[]}');
    });
    await runInProcess(['namespace', 'list', '--api-base-url', `${url}/behind/here/`, '--token', 'abc']);
    expect(seen).toEqual(['/behind/here/api/namespaces', 'Bearer abc', 'v0']);
  });
});
