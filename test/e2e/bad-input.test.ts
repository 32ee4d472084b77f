/** What a caller can get wrong: each is refused with its cause, before anything is done. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { GoferServer, pipelineJson, pipelinePath, type TaskSketch, taskPath, VERSION } from './gofer-server.ts';

const CONFIGS = `${pipelinePath('demo')}/configs`;
const MAX_BODY = 100_000;

describe('bad input', () => {
  let server: GoferServer;
  beforeAll(async () => {
    server = await GoferServer.start('fake', { settings: [`server.max_body_size=${MAX_BODY}`] });
    await server.deploy('demo', [{ id: 'one', command: ['true'] }]);
    await server.run('demo', 60);
  });
  afterAll(() => server.close());

  /** The faults' paths and words, one a line. */
  const faultsOf = async (config: unknown): Promise<string> => {
    const refused = await server.refusal('POST', CONFIGS, { config });
    expect(refused).toMatchObject({ status: 400, error_code: 'INVALID_ARGUMENT', request_id: expect.any(String) });
    return (refused.details ?? []).map(({ path, message }) => `${path}: ${message}`).join('\n');
  };
  const tasks = (...sketches: TaskSketch[]): unknown => pipelineJson('demo', sketches);

  test.each([
    [
      'a cycle, as a path',
      [
        ['a', 'c'],
        ['b', 'a'],
        ['c', 'b'],
      ],
      /a.*b.*c|a.*c.*b/,
    ],
    ['a self dependency', [['a', 'a']], /itself|a → a|self/],
    ['an unknown dependency', [['a', 'nobody']], /nobody/],
    ['no tasks', [], /tasks/],
    ['a task twice', [['a'], ['a']], /a/],
  ] as const)('%s', async (_, graph, words) => {
    const sketches = graph.map(([id, ...parents]) => ({
      id,
      command: ['true'],
      depends_on: Object.fromEntries(parents.map((parent) => [parent, 'Success' as const])),
    }));
    expect(await faultsOf(tasks(...sketches))).toMatch(words);
  });

  it('names every fault at once, with its place', async () => {
    const faults = await faultsOf(
      tasks({ id: 'no spaces', command: ['x'] }, { id: 'b', image: 'UPPER:lower:x' }, { id: 'c', variables: { '': 'x', 'A=B': 'y' } }),
    );
    for (const place of ['$.config.tasks[0].id', '$.config.tasks[1].image', '$.config.tasks[2].variables']) expect(faults).toContain(place);
  });

  test.each([
    ['no object', 7],
    ['null', null],
    ['a list', []],
    ['another id than the path', pipelineJson('other', [{ id: 'one' }])],
    ['tasks of another type', { ...pipelineJson('demo', []), tasks: { one: {} } }],
    ['a negative parallelism', pipelineJson('demo', [{ id: 'one' }], -1)],
  ])('a config that is %s', async (_, config) => {
    expect(await faultsOf(config)).not.toBe('');
  });

  it('malformed ids in paths', async () => {
    for (const path of ['/api/namespaces/default/pipelines/d', `${pipelinePath('demo')}/runs/one`, `${pipelinePath('demo')}/runs/0`]) {
      expect((await server.call('GET', path)).status).toBeOneOf([400, 404]);
    }
    expect(await server.refusal('POST', '/api/namespaces', { id: 'a/b', name: '', description: '' })).toMatchObject({
      status: 400,
      error_code: 'INVALID_ARGUMENT',
    });
  });

  it('bodies that are no JSON, and bodies that are too large', async () => {
    const post = (body: Uint8Array, headers = {}) => server.refusal('POST', CONFIGS, body, { ...VERSION, ...headers });
    for (const text of ['{"config": ', '', 'nonsense', '{"config":{}}x', '['.repeat(5000)]) {
      expect(await post(Buffer.from(text))).toMatchObject({ status: 400, error_code: 'INVALID_ARGUMENT' });
    }
    expect(await post(Buffer.alloc(MAX_BODY + 1, 0x20))).toMatchObject({ status: 413, error_code: 'PAYLOAD_TOO_LARGE' });
    const bomb = gzipSync(Buffer.alloc(10 * MAX_BODY, 0x20));
    expect((await post(bomb, { 'content-encoding': 'gzip' })).status).toBeOneOf([400, 413, 415]);
  });

  it('unknown routes and methods', async () => {
    expect(await server.refusal('GET', '/api/nothing')).toMatchObject({ status: 404, error_code: 'NOT_FOUND' });
    const wrong = await server.call('PUT', '/api/namespaces');
    expect([wrong.status, wrong.headers.allow]).toEqual([405, expect.stringContaining('POST')]);
    for (const path of [pipelinePath('nothing'), `${pipelinePath('demo')}/runs/99`, taskPath('demo', 1, 'two'), '/api/events/nothing'])
      expect(await server.refusal('GET', path)).toMatchObject({ status: 404, error_code: 'NOT_FOUND' });
    expect(await server.refusal('POST', `${pipelinePath('nothing')}/runs`, {})).toMatchObject({ status: 404 });
  });

  it('a missing or wrong version', async () => {
    for (const headers of [{}, { 'gofer-api-version': 'v1' }, { 'gofer-api-version': '' }]) {
      expect(await server.refusal('GET', '/api/namespaces', undefined, headers)).toMatchObject({
        status: 400,
        error_code: 'UNSUPPORTED_VERSION',
      });
    }
  });

  test.each([
    [`${taskPath('demo', 1, 'nobody')}/logs`, 404],
    [`${taskPath('demo', 7, 'one')}/logs`, 404],
    [`${taskPath('nothing', 1, 'one')}/logs`, 404],
    [`${taskPath('demo', 1, 'one')}/nothing`, 404],
    [`${taskPath('demo', 1, 'one')}/logs?after=nonsense`, 400],
  ])('a WebSocket to %s is refused with a plain answer', async (path, status) => {
    await expect(server.socket(path)).rejects.toMatchObject({ status, body: { message: expect.any(String) } });
  });

  it('a WebSocket without the version', async () => {
    await expect(server.socket('/api/events', [], {})).rejects.toMatchObject({ status: 400, body: { error_code: 'UNSUPPORTED_VERSION' } });
  });

  it('what is no HTTP', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write('HELO example\r\n\r\n'));
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.once('close', () => resolve(text));
    expect(await promise).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('a name that only a rebound page would use, and a page of another origin', async () => {
    for (const headers of [{ host: 'evil.example' }, { origin: 'http://evil.example' }, { origin: 'null' }]) {
      const asked = { ...VERSION, ...headers };
      expect(await server.refusal('POST', `${pipelinePath('demo')}/runs`, {}, asked)).toMatchObject({
        status: 403,
        error_code: 'FORBIDDEN',
      });
      await expect(server.socket('/api/events', [], asked)).rejects.toMatchObject({ status: 403 });
    }
  });

  it('has done nothing of it, and still works', async () => {
    const { configs } = await server.ask<{ configs: unknown[] }>('GET', CONFIGS);
    const { runs } = await server.ask<{ runs: unknown[] }>('GET', `${pipelinePath('demo')}/runs`);
    expect([configs.length, runs.length]).toEqual([1, 1]);
    expect(await server.run('demo', 60)).toMatchObject({ status: 'successful' });
    expect(server.log.filter((line) => /ERROR|"level":50/.test(line))).toEqual([]);
  });
});

describe('a bad configuration', () => {
  test.each([
    ['server.nonsense=1', /nonsense/],
    ['server.shutdown_timeout=1 fortnight', /shutdown_timeout/],
    ['server.bind_address=0.0.0.0:0', /loopback|bind_address/],
    ['scheduler.engine=./no-such-plugin.js', /no-such-plugin/],
  ])('%s: the server does not start, and says why', async (setting, words) => {
    const server = new GoferServer('fake');
    try {
      // The last flag of a key counts.
      const flag = setting.replace(/^server\.bind_address=/, '--bind-address=').replace(/^scheduler\.engine=/, '--scheduler=');
      const { code, output } = await server.beginAnother(flag === setting ? ['--set', setting] : [flag]);
      expect({ code, output }).toMatchObject({ code: 78, output: expect.stringMatching(words) });
    } finally {
      await server.close();
    }
  });

  it('malformed TOML is refused with its line', async () => {
    const server = new GoferServer('fake');
    try {
      const file = `${server.directory}/gofer_web.toml`;
      writeFileSync(file, '[server]\nbind_address = \n');
      const { code, output } = await server.beginAnother(['--config', file]);
      expect({ code, output }).toMatchObject({ code: 78, output: expect.stringMatching(/gofer_web\.toml.*2/) });
    } finally {
      await server.close();
    }
  });
});
