import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { builtInPluginSchemas } from './built-in-plugin-schemas.ts';
import { builtInPlugins } from './built-in-plugins.ts';
import { runInProcess } from './testing/run-in-process.ts';

const SECTIONS = ['scheduler', 'object_store', 'secret_store', 'auth'] as const;

it.each(SECTIONS)('of %s are those that the plugins are checked with', async (section) => {
  const loaded = await Promise.all(Object.entries(builtInPlugins[section]).map(async ([name, load]) => [name, await load()] as const));
  const schemas = loaded.map(([name, module]) => [name, (module as { plugin: { configSchema: unknown } }).plugin.configSchema]);
  expect(Object.fromEntries(schemas)).toEqual(builtInPluginSchemas[section]);
});

it.each(SECTIONS)('of %s reach the sample and the help', async (section) => {
  const sample = await runInProcess(['service', 'init-config']);
  const help = await runInProcess(['service', 'start', '--help']);
  for (const [name, schema] of Object.entries(builtInPluginSchemas[section])) {
    for (const key of Object.keys(schema.properties ?? {})) {
      // A key that must be made by its owner has no value in the sample, only the way to make it.
      if (key !== 'encryption_key') expect(sample.stdout).toMatch(new RegExp(`^#?(${key} = |\\[${section}\\.${name}\\.${key}\\])`, 'm'));
      expect(help.stdout).toContain(`GOFER_WEB_${section}__${name}__${key}`.toUpperCase());
    }
  }
});

it('refuse a slip in a block that is not chosen, and say it once', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'gofer-schemas-'));
  try {
    const file = join(directory, 'gofer_web.toml');
    await writeFile(file, '[development]\nbypass_auth = true\n[scheduler]\nengine = "fake"\n[scheduler.docker]\nnetwrk = "none"\n');
    const started = await runInProcess(['service', 'start', '--config', file]);
    expect(started.code).toBe(78);
    expect(started.stderr.match(/did you mean scheduler\.docker\.network\?/g)).toHaveLength(1);
    expect(started.stderr).toContain(`${file}:6`);
  } finally {
    await rm(directory, { recursive: true });
  }
});
