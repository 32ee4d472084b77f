/** The process of `leaveUnfinishedPut`. Arguments: the plugin's module, its configuration, the instance's id, the MiB to put. */
import type { PluginDefinition } from '@gofer/contracts';

const [module = '', config = '', instanceId = '', mebibytes] = process.argv.slice(2);
const { plugin } = (await import(module)) as { plugin: PluginDefinition<'object_store'> };
const host = { instanceId, dataDirectory: '/nowhere', log: (...line: unknown[]) => process.stderr.write(`${JSON.stringify(line)}\n`) };
const store = await plugin.create(JSON.parse(config), host);
const signal = new AbortController().signal;

async function* whole(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1000);
}

async function* unfinished(): AsyncGenerator<Uint8Array> {
  for (let given = 0; given < Number(mebibytes); given++) yield new Uint8Array(1024 * 1024).fill(given);
  process.stdout.write('taken');
  // Keeps the process until it is killed.
  setInterval(() => undefined, 60_000);
  await new Promise(() => undefined);
}

await store.put(`${instanceId}/whole`, signal, whole());
await store.put(`${instanceId}/unfinished`, signal, unfinished());
