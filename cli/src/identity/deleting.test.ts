/** Deletion by somebody who may delete, but not see what there is. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { IdentityStage } from '../testing/identity-stage.ts';
import { SIMPLE } from '../testing/sample-pipeline.ts';

const PATH = { namespace_id: 'default', pipeline_id: 'simple' };

let stage: IdentityStage;
beforeAll(async () => {
  stage = await IdentityStage.start();
  await stage.client().call('register_config', { path: PATH, body: { config: SIMPLE } });
});
afterAll(async () => await stage?.close());

it('is done, and what cannot be told is said', async () => {
  const client = stage.client();
  await client.call('put_pipeline_secret', { path: PATH, body: { key: 'some', content: 'hush', force: false } });
  const permissions = [{ resources: ['namespaces', 'pipelines', 'secrets'], actions: ['delete' as const] }];
  await client.call('create_role', { body: { id: 'cleaner', description: '', permissions } });
  const { secret: token } = await stage.tokenFor('broom', ['cleaner']);
  for (const _ of ['there', 'not there']) {
    expect(await stage.goferAs(token, ['secret', 'pipeline', 'delete', 'simple', 'some'])).toEqual({
      code: 0,
      stdout: "✓ Successfully removed secret 'some'\n",
      stderr: '! Whether there was one cannot be seen: your token may delete it, but not see it\n',
    });
    expect((await client.call('list_pipeline_secrets', { path: PATH })).secrets).toEqual([]);
  }
});
