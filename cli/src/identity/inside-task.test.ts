import { describe, expect, it } from 'vitest';
import { GoferClient } from '../api/gofer-client.ts';
import { LAUNCHER } from '../testing/launch.ts';
import { startTestServer } from '../testing/test-server.ts';

/** What a task does with the command; every line is in its log. */
const SCRIPT = `
gofer() { "$NODE" "$LAUNCHER" "$@" 2>&1; }
gofer context
gofer run list self
gofer pipeline object put self answer=42
gofer pipeline object get self answer --stringify
gofer run cancel self 1 || echo "cancel: $?"
gofer run list self --namespace other || echo "other: $?"
gofer secret pipeline list self || echo "secrets: $?"
echo "token $GOFER_TOKEN"
`;

describe('in a task that was given a token', () => {
  it('the command knows server, token and namespace, and reaches its own pipeline only', { timeout: 120_000 }, async () => {
    const server = await startTestServer('process', {
      'development.bypass_auth': 'false',
      'scheduler.process.enable': 'true',
      'secret_store.sqlite.encryption_key': 'k'.repeat(32),
    });
    try {
      const anyone = new GoferClient({ baseUrl: new URL(server.url), token: '', insecureSkipTlsVerify: false });
      const { secret } = await anyone.call('create_bootstrap_token', {});
      const client = new GoferClient({ baseUrl: new URL(server.url), token: secret, insecureSkipTlsVerify: false });
      await client.call('create_namespace', { body: { id: 'own', name: 'Own', description: '' } });
      const path = { namespace_id: 'own', pipeline_id: 'self' };
      const task = {
        id: 'ask',
        image: 'busybox',
        depends_on: {},
        variables: { NODE: process.execPath, LAUNCHER, HOME: '/nonexistent' },
        command: ['sh', '-c', SCRIPT],
        inject_api_token: true,
        always_pull_newest_image: false,
      };
      await client.call('register_config', { path, body: { config: { id: 'self', name: 'Self', parallelism: 0, tasks: [task] } } });
      await client.call('deploy_config', { path: { ...path, version: 1 } });
      const { run } = await client.call('start_run', { path, body: { variables: {} }, query: { wait: 90 } });
      expect(run.status).toBe('successful');

      const chunks: Uint8Array[] = [];
      for await (const chunk of await client.bytes('get_logs_raw', { path: { ...path, run_id: 1, task_id: 'ask' } })) chunks.push(chunk);
      const log = Buffer.concat(chunks).toString('utf8');
      expect(log).toMatch(/^Namespace +own$/mu);
      expect(log).toMatch(/^You are +system_generated_run_token \(roles: inject_api_token\)$/mu);
      expect(log).toMatch(/^1 +v1 .* running /mu);
      expect(log).toMatch(/^42$/mu);
      for (const refused of ['cancel', 'other', 'secrets']) expect(log).toMatch(new RegExp(`^${refused}: 4$`, 'mu'));
      expect(log).toMatch(/reaches that only/u);
      expect(log).toContain('token [redacted]');
      expect(log).not.toMatch(/gofer_[\w-]{20}/u);
    } finally {
      await server.close();
    }
  });
});
