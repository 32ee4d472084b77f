import { Readable } from 'node:stream';
import type { GoferClient } from '../api/gofer-client.ts';

/** A pipeline `simple` of one task `hello`, as its JSON. */
export const SIMPLE = {
  id: 'simple',
  name: 'Simple Pipeline',
  description: 'Says hello',
  parallelism: 0,
  tasks: [
    {
      id: 'hello',
      image: 'busybox:latest',
      depends_on: {},
      variables: {},
      command: ['echo', 'hello'],
      inject_api_token: false,
      always_pull_newest_image: false,
    },
  ],
};

/** Registers and deploys `simple` twice in a namespace and lets one run of it end. */
export async function prepareSimple(client: GoferClient, namespace_id: string): Promise<void> {
  const path = { namespace_id, pipeline_id: 'simple' };
  for (const version of [1, 2]) {
    await client.call('register_config', { path, body: { config: SIMPLE } });
    await client.call('deploy_config', { path: { ...path, version } });
  }
  await client.call('start_run', { path, body: { variables: {} }, query: { wait: 30 } });
}

/** Has the next run of `simple` in a namespace fail, under a version of its own, and lets it end. */
export async function failOnce(client: GoferClient, namespace_id: string): Promise<void> {
  const path = { namespace_id, pipeline_id: 'simple' };
  const tasks = SIMPLE.tasks.map((task) => ({ ...task, entrypoint: ['gofer-fake-steps'], command: ['[{"exit":7}]'] }));
  const { pipeline } = await client.call('register_config', { path, body: { config: { ...SIMPLE, tasks } } });
  await client.call('deploy_config', { path: { ...path, version: pipeline.config.version } });
  await client.call('start_run', { path, body: { variables: {} }, query: { wait: 30 } });
}

/** Objects and secrets for `simple` and its first run in a namespace, and a global secret. */
export async function storeForSimple(client: GoferClient, namespace_id: string): Promise<void> {
  const path = { namespace_id, pipeline_id: 'simple' };
  const bytes = () => Readable.from([Buffer.from('hello')]);
  for (const key of ['greeting', 'cache.tar']) await client.upload('put_pipeline_object', { path: { ...path, key } }, bytes());
  for (const key of ['greeting', 'report.tar']) await client.upload('put_run_object', { path: { ...path, run_id: 1, key } }, bytes());
  await client.call('put_pipeline_secret', { path, body: { key: 'db_password', content: 'hush' } });
  await client.call('put_global_secret', { body: { key: 'registry_token', content: 'hush', namespaces: ['.*'], force: true } });
}
