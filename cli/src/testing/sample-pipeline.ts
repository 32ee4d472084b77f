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
