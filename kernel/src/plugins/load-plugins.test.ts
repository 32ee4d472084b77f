import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fault, PluginHost } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LoadedPlugins, PluginRequest } from './load-plugins.ts';
import { loadPlugins } from './load-plugins.ts';

/** Written by the plugin files below: which of them was created and closed, in order. */
const journal: string[] = [];
Reflect.set(globalThis, 'goferPluginJournal', journal);

const METHODS = ['start', 'wait', 'stop', 'remove', 'inspect', 'logs', 'exec', 'list', 'hostAccess'];

/** A plugin's source. `changes` replace parts of the definition, `instance` parts of what it creates. */
function source(name: string, changes: Record<string, string> = {}, instance: Record<string, string> = {}): string {
  const whole: Record<string, string> = {
    ...Object.fromEntries(METHODS.map((method) => [method, '() => undefined'])),
    config: 'config',
    host: 'host',
    health: 'async () => undefined',
    close: `async () => { globalThis.goferPluginJournal.push('close ${name}'); }`,
    ...instance,
  };
  const definition: Record<string, string> = {
    contract: '"scheduler"',
    apiVersion: '1',
    name: JSON.stringify(name),
    configSchema:
      '{ type: "object", additionalProperties: false, properties: { retries: { type: "integer", default: 3 }, prune_interval: { type: "integer" } } }',
    create: `async (config, host) => { globalThis.goferPluginJournal.push('create ${name}'); return { ${entries(whole)} }; }`,
    ...changes,
  };
  return `export const plugin = { ${entries(definition)} };\n`;
}

const entries = (record: Record<string, string>): string =>
  Object.entries(record)
    .map(([key, value]) => `${key}: ${value}`)
    .join(', ');

let directory: string;
const files: Record<string, string> = {
  'good.mjs': source('good'),
  'other.mjs': source('other'),
  'typed.ts': source('typed').replace('plugin =', 'plugin: unknown ='),
  'throws.mjs': 'throw new Error("no luck");\n',
  'shapeless.mjs': 'export const plugin = { contract: "scheduler", name: "Not a name" };\n',
  'nothing.mjs': 'export const answer = 42;\n',
  'wrong-contract.mjs': source('wrong-contract', { contract: '"auth"' }),
  'newer.mjs': source('newer', { apiVersion: '2' }),
  'bad-schema.mjs': source('bad-schema', { configSchema: '{ type: "no such type" }' }),
  'hangs.mjs': source('hangs', {
    create:
      'async () => { await globalThis.goferPluginGate; return { close: async () => { globalThis.goferPluginJournal.push("close hangs"); } }; }',
  }),
  'create-fails.mjs': source('create-fails', {
    create: 'async () => { throw Object.assign(new Error("no socket"), { code: "UNAVAILABLE" }); }',
  }),
  'partial.mjs': source('partial', {}, { logs: 'undefined' }),
  'unhealthy.mjs': source(
    'unhealthy',
    {},
    { health: 'async () => { throw Object.assign(new Error("start the engine"), { code: "UNAVAILABLE" }); }' },
  ),
  'unclosable.mjs': source('unclosable', {}, { close: 'async () => { throw new Error("stuck"); }' }),
  'node_modules/a-package/package.json': '{ "name": "a-package", "version": "1.0.0", "type": "module", "main": "main.js" }',
  'node_modules/a-package/main.js': source('a-package'),
  'node_modules/@scope/only-import/package.json':
    '{ "name": "@scope/only-import", "version": "1.0.0", "type": "module", "exports": { ".": { "types": "./x.d.ts", "import": "./main.js" } } }',
  'node_modules/@scope/only-import/main.js': source('only-import'),
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-plugins-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(directory, path, '..'), { recursive: true });
    await writeFile(join(directory, path), text);
  }
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(() => {
  journal.length = 0;
});

function request(engine: string, block: Record<string, unknown> = {}): PluginRequest {
  return {
    contract: 'scheduler',
    engine,
    baseDirectory: directory,
    readBlock: (name) => ({ value: block, faults: [], locate: (key) => ['scheduler', name, ...key].join('.') }),
  };
}

const host: PluginHost = { instanceId: 'test', dataDirectory: tmpdir(), log: () => undefined };

function load(...requests: readonly PluginRequest[]): Promise<LoadedPlugins> {
  const docker = async (): Promise<unknown> => import(join(directory, 'good.mjs'));
  return loadPlugins(requests, {
    builtIns: { scheduler: { docker, process: docker }, object_store: {}, secret_store: {}, auth: {} },
    host: () => host,
    createTimeoutMs: 5000,
  });
}

async function faultsOf(loading: Promise<unknown>): Promise<readonly Fault[]> {
  const error: unknown = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GoferError);
  expect(error).toHaveProperty('code', 'PLUGIN_INVALID');
  return (error as GoferError).details;
}

describe('loadPlugins', () => {
  it.each(['docker', './good.mjs', './typed.ts', 'a-package', '@scope/only-import'])('finds %s', async (engine) => {
    const loaded = await load(request(engine));
    expect(loaded.plugins).toMatchObject([{ contract: 'scheduler', engine, instance: { host } }]);
    await loaded.close();
  });

  it('finds an absolute path', async () => {
    const loaded = await load(request(join(directory, 'good.mjs')));
    expect(loaded.plugins[0]?.name).toBe('good');
    await loaded.close();
  });

  it("gives a plugin its configuration with the schema's defaults, frozen", async () => {
    const loaded = await load(request('./good.mjs', { prune_interval: 5 }));
    const config: unknown = Reflect.get(loaded.plugins[0]?.instance ?? {}, 'config');
    expect(config).toEqual({ retries: 3, prune_interval: 5 });
    expect(Object.isFrozen(config)).toBe(true);
    await loaded.close();
  });

  it('closes in reverse order, once', async () => {
    const loaded = await load(request('./good.mjs'), request('./other.mjs'));
    await Promise.all([loaded.close(), loaded.close()]);
    await loaded.close();
    expect(journal).toEqual(['create good', 'create other', 'close other', 'close good']);
  });

  it('closes the others when one cannot be closed', async () => {
    const loaded = await load(request('./good.mjs'), request('./unclosable.mjs'));
    await expect(loaded.close()).rejects.toMatchObject({ code: 'INTERNAL' });
    expect(journal.at(-1)).toBe('close good');
  });

  it.each([
    ['./missing.mjs', /there is no file .*missing\.mjs/],
    ['./node_modules', /is not a file/],
    ['dokcer', /did you mean "docker"\?/],
    ['some-package', /neither a built-in plugin nor a package/],
    ['fs', /neither a built-in plugin nor a package/],
    ['./throws.mjs', /throws\.mjs cannot be imported: Error: no luck/],
    ['./nothing.mjs', /must export its definition as "plugin"/],
    ['./wrong-contract.mjs', /implements the contract "auth", not "scheduler"/],
    ['./newer.mjs', /version 2 of the contracts and this is version 1; update Gofer/],
    ['./create-fails.mjs', /did not start: no socket$/],
    ['./partial.mjs', /without the method logs$/],
    ['./unhealthy.mjs', /cannot be used: start the engine$/],
  ])('refuses %s', async (engine, message) => {
    const faults = await faultsOf(load(request(engine)));
    expect(faults).toEqual([{ path: `scheduler.engine = "${engine}"`, message: expect.stringMatching(message) as string }]);
  });

  it('lists everything that is wrong with a shape', async () => {
    const faults = await faultsOf(load(request('./shapeless.mjs')));
    expect(faults.map((fault) => fault.message.replace(/^\S+ /, ''))).toEqual([
      'its definition must say what it was written for: apiVersion = 1',
      'its definition must have a name of 1 to 32 of a-z, 0-9 and "-"',
      'its definition must have a configSchema, a JSON Schema',
      'its definition must have a function "create"',
    ]);
  });

  it('lists everything that is wrong with a configuration, by name', async () => {
    const faults = await faultsOf(load(request('./good.mjs', { prune_interval: 'soon', retrys: 1 })));
    expect(faults).toEqual([
      { path: 'scheduler.good.retrys', message: 'is not known; did you mean retries?' },
      { path: 'scheduler.good.prune_interval', message: 'must be integer' },
    ]);
    expect(journal).toEqual([]);
  });

  it('says where in the file a value is, where that is known', async () => {
    const located = {
      ...request('./good.mjs'),
      readBlock: () => ({ value: { retries: 'x' }, faults: [], locate: () => 'gofer_web.toml:7' }),
    };
    expect(await faultsOf(load(located))).toEqual([{ path: 'gofer_web.toml:7', message: 'scheduler.good.retries must be integer' }]);
  });

  it('refuses a schema that is none', async () => {
    const [fault] = await faultsOf(load(request('./bad-schema.mjs')));
    expect(fault).toMatchObject({ path: 'scheduler.bad-schema', message: expect.stringContaining('is not a JSON Schema') as string });
  });

  it('reports the faults of all plugins together and creates none', async () => {
    const faults = await faultsOf(
      load(request('./good.mjs'), request('./throws.mjs'), request('dokcer'), request('./other.mjs', { retries: 'x' })),
    );
    expect(faults.map((fault) => fault.path).toSorted()).toEqual([
      'scheduler.engine = "./throws.mjs"',
      'scheduler.engine = "dokcer"',
      'scheduler.other.retries',
    ]);
    expect(journal).toEqual([]);
  });

  it('closes what was created, in reverse order, when another cannot be used', async () => {
    const requests = ['./good.mjs', './unhealthy.mjs', './create-fails.mjs', './other.mjs'].map((engine) => request(engine));
    const faults = await faultsOf(load(...requests));
    expect(faults.map((fault) => fault.path).toSorted()).toEqual([
      'scheduler.engine = "./create-fails.mjs"',
      'scheduler.engine = "./unhealthy.mjs"',
    ]);
    expect(journal).toEqual(['create good', 'create unhealthy', 'create other', 'close other', 'close unhealthy', 'close good']);
  });

  it('gives up on a plugin that takes too long, and closes it when it comes after all', async () => {
    const gate = Promise.withResolvers<void>();
    Reflect.set(globalThis, 'goferPluginGate', gate.promise);
    const options = { builtIns: { scheduler: {}, object_store: {}, secret_store: {}, auth: {} }, host: () => host, createTimeoutMs: 20 };
    const faults = await faultsOf(loadPlugins([request('./hangs.mjs')], options));
    expect(faults[0]?.message).toMatch(/did not start: its "create" took longer than 20 ms/);
    gate.resolve();
    await expect.poll(() => journal).toEqual(['close hangs']);
  });
});
