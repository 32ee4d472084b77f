/**
 * A client as the published ones are: a base URL with a slash of its own (so that paths begin with two), a token nobody asked for, one good
 * status for each operation, and no patience for an unknown word.
 */

import type { Event } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoferServer, pipelineJson } from './gofer-server.ts';
import { until } from './leftovers.ts';
import { v0Faults, v0Operation } from './v0-answers.ts';

const HEADERS = { 'gofer-api-version': 'v0', authorization: 'Bearer example', accept: '*/*', 'user-agent': 'gofer-v0' };
const PIPELINE = { namespace_id: 'default', pipeline_id: 'simple' };
const RUN = { ...PIPELINE, run_id: '1' };
const TASK = { ...RUN, task_id: 'first' };

type Names = Readonly<Record<string, string>>;

describe('a client of v0', () => {
  let server: GoferServer;
  const asked = new Set<string>();
  beforeAll(async () => {
    server = await GoferServer.start('process');
  });
  afterAll(() => server.close());

  const targetOf = (operation: string, names: Names, query = ''): string => {
    asked.add(operation);
    return `/${v0Operation(operation).path.replace(/\{(\w+)\}/g, (_, name: string) => names[name] ?? name)}${query}`;
  };

  /** The answer's body; refuses whatever such a client would. */
  const ask = async (operation: string, names: Names = {}, body?: object, query = ''): Promise<unknown> => {
    const { method, status, response } = v0Operation(operation);
    const target = targetOf(operation, names, query);
    // Some of them end their paths with a slash.
    const targets = method === 'GET' ? [target, target.replace(/(\?|$)/, '/$1')] : [target];
    let answered: unknown;
    for (const each of targets) {
      const answer = await server.call(method, each, body, HEADERS);
      expect([each, answer.status, answer.body.toString()]).toEqual([each, status, expect.any(String)]);
      if (status === 204) expect(answer.body).toHaveLength(0);
      else {
        expect(answer.headers['content-type']).toBe('application/json');
        answered = answer.json();
        if (response !== undefined) expect(v0Faults(response, answered)).toEqual([]);
      }
    }
    return answered;
  };

  it('reads the system and keeps namespaces', async () => {
    expect(await ask('get_system_metadata')).toMatchObject({ semver: expect.any(String), commit: expect.any(String) });
    expect(await ask('get_system_preferences')).toMatchObject({ ignore_pipeline_run_events: false });
    await ask('update_system_preferences', {}, { ignore_pipeline_run_events: null });
    await ask('create_namespace', {}, { id: 'team-a', name: 'Team A', description: 'first team' });
    const names = { namespace_id: 'team-a' };
    await ask('update_namespace', names, { name: 'Team Alpha', description: null });
    expect(await ask('get_namespace', names)).toMatchObject({ namespace: { name: 'Team Alpha', description: 'first team' } });
    await ask('delete_namespace', names);
    expect(await ask('list_namespaces')).toMatchObject({ namespaces: [{ id: 'default' }] });
  });

  it('registers, deploys, runs and reads', async () => {
    const config = pipelineJson('simple', [
      { id: 'first', script: 'echo one; echo; printf three', variables: { LEVEL: 'debug' } },
      { id: 'second', script: 'exit 3', depends_on: { first: 'Any' } },
      { id: 'third', command: ['true'], depends_on: { second: 'Success' } },
    ]);
    // As their SDKs print it: what is not set is null.
    const tasks = config.tasks.map((task) => ({ ...task, description: null, registry_auth: null, entrypoint: null }));
    for (const version of ['1', '2']) {
      await ask('register_config', PIPELINE, { config: { ...config, tasks } });
      await ask('deploy_config', { ...PIPELINE, version });
      await ask('get_config', { ...PIPELINE, version });
    }
    await ask('list_configs', PIPELINE);
    await ask('list_deployments', PIPELINE);
    await ask('get_deployment', { ...PIPELINE, deployment_id: '1' });
    await ask('list_pipelines', PIPELINE);
    await ask('update_pipeline', PIPELINE, { state: 'disabled' });
    await ask('update_pipeline', PIPELINE, { state: 'active' });
    expect(await ask('get_pipeline', PIPELINE)).toMatchObject({ pipeline: { state: 'active' } });
    await ask('start_run', PIPELINE, { variables: { COMMIT: '4f1c2d' } });
    // Asked again and again while it runs, as their `--follow` does: every state on the way is a word that they know.
    await until('the end of the run', async () => {
      await ask('list_task_executions', RUN);
      const { run } = (await ask('get_run', RUN)) as { run: { state: string } };
      return run.state === 'complete';
    });
    expect(await ask('get_run', RUN)).toMatchObject({ run: { status: 'failed', status_reason: { reason: 'abnormal_exit' } } });
    expect(await ask('list_runs', PIPELINE, undefined, '?limit=10&offset=0&reverse=true')).toMatchObject({ runs: [{ run_id: 1 }] });
    await ask('get_task_execution', TASK);
    await ask('get_task_execution', { ...TASK, task_id: 'third' });
    await ask('cancel_task_execution', TASK, undefined, '?wait_for=0');
    await ask('cancel_run', RUN);
  });

  it('reads a log line by line, to a normal closure', async () => {
    const log = await server.socket(targetOf('get_logs', TASK), [], HEADERS);
    expect(await log.closed).toMatchObject({ code: 1000 });
    expect(log.frames).toEqual(['one\n', '\n', 'three']);
  });

  it('reads events, of kinds that it knows', async () => {
    const stream = await server.socket(targetOf('stream_events', {}, '?history=true&reverse=true'), [], HEADERS);
    expect(await stream.closed).toMatchObject({ code: 1000 });
    const events = stream.frames.map((frame) => JSON.parse(frame) as Event);
    expect(events.flatMap((event) => v0Faults('Event', event))).toEqual([]);
    expect(events.map(({ kind }) => Object.keys(kind).length)).toEqual(events.map(() => 1));
    const event_id = events[0]?.id ?? '';
    await ask('get_event', { event_id });
    await ask('delete_event', { event_id });
  });

  it('keeps objects, of pipelines and of runs', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 128]);
    for (const [of, names] of [
      ['pipeline', PIPELINE],
      ['run', RUN],
    ] as const) {
      const key = { ...names, key: 'a%2Fkey' };
      await ask(`put_${of}_object`, key, bytes, '?force=false');
      await ask(`put_${of}_object`, key, bytes, '?force=true');
      expect(await ask(`list_${of}_objects`, names)).toMatchObject({ objects: [{ key: 'a/key' }] });
      const answer = await server.call('GET', targetOf(`get_${of}_object`, key), undefined, HEADERS);
      expect([answer.status, answer.headers['content-type'], answer.body.equals(bytes)]).toEqual([200, 'application/octet-stream', true]);
      await ask(`delete_${of}_object`, key);
    }
  });

  it('keeps secrets, of pipelines and global ones', async () => {
    await ask('put_pipeline_secret', PIPELINE, { key: 'my-secret', content: 'hush', force: false });
    await ask('put_pipeline_secret', PIPELINE, { key: 'my-secret', content: 'hush hush', force: true });
    expect(await ask('list_pipeline_secrets', PIPELINE)).toMatchObject({ secrets: [{ key: 'my-secret', namespaces: ['default'] }] });
    const key = { ...PIPELINE, key: 'my-secret' };
    expect(await ask('get_pipeline_secret', key, undefined, '?include_secret=true')).toMatchObject({ secret: 'hush hush' });
    await ask('delete_pipeline_secret', key);
    await ask('put_global_secret', {}, { key: 'gsec', content: 'val', namespaces: ['.*'], force: false });
    expect(await ask('list_global_secrets')).toMatchObject({ secrets: [{ key: 'gsec', namespaces: ['.*'] }] });
    expect(await ask('get_global_secret', { key: 'gsec' }, undefined, '?include_secret=false')).toMatchObject({ secret: null });
    await ask('delete_global_secret', { key: 'gsec' });
  });

  it('installs an extension, subscribes to it and keeps its objects', async () => {
    const extension = { extension_id: 'cron' };
    const installed = { id: 'cron', image: 'builtin:cron', settings: {}, registry_auth: null, additional_roles: null };
    expect(await ask('install_extension', {}, installed)).toMatchObject({ extension: { state: 'running' } });
    await ask('list_extensions');
    await ask('get_extension', extension);
    const info = (await ask('get_extension_debug_info', extension)) as { info: string };
    expect(JSON.parse(info.info)).toMatchObject({ subscriptions: [] });
    const log = await server.socket(targetOf('get_extension_logs', extension), [], HEADERS);
    await until('the first line', async () => log.frames.length > 0);
    log.socket.close();
    const subscription = { ...PIPELINE, ...extension, subscription_id: 'yearly_on_xmas' };
    const wanted = { ...extension, subscription_id: 'yearly_on_xmas', settings: { expression: '0 1 25 12 * *' } };
    expect(await ask('create_subscription', PIPELINE, wanted)).toMatchObject({ subscription: { status: 'active' } });
    await ask('list_subscriptions', PIPELINE);
    await ask('list_extension_subscriptions', extension);
    await ask('update_subscription', subscription, { status: 'disabled' });
    expect(await ask('get_subscription', subscription)).toMatchObject({ subscription: { status: 'disabled' } });
    await ask('delete_subscription', subscription);
    const object = { ...extension, key: 'a-key' };
    await ask('put_extension_object', object, Buffer.from('kept'), '?force=false');
    expect(await ask('list_extension_objects', extension)).toMatchObject({
      objects: expect.arrayContaining([expect.objectContaining({ key: 'a-key', size: 4 })]),
    });
    expect((await server.call('GET', targetOf('get_extension_object', object), undefined, HEADERS)).body.toString()).toBe('kept');
    await ask('delete_extension_object', object);
    await ask('update_extension', extension, { enable: false });
    await ask('uninstall_extension', extension);
  });

  it('keeps roles and tokens', async () => {
    const permissions = [{ resources: ['namespaces:^devops.*', 'runs'], actions: ['read'] }];
    await ask('create_role', {}, { id: 'devops', description: 'first', permissions });
    await ask('update_role', { role_id: 'devops' }, { description: 'second', permissions: null });
    expect(await ask('get_role', { role_id: 'devops' })).toMatchObject({ role: { id: 'devops', description: 'second', permissions } });
    expect(await ask('list_roles')).toMatchObject({ roles: expect.arrayContaining([expect.objectContaining({ id: 'devops' })]) });
    await ask('create_bootstrap_token');
    const created = await ask('create_token', {}, { expires: 60, user: 'alice', roles: ['devops'], metadata: { team: 'a' } });
    const { token_details: token } = created as { token_details: { id: string } };
    await ask('update_token', { id: token.id }, { disabled: true });
    expect(await ask('get_token_by_id', { id: token.id })).toMatchObject({ token: { disabled: true, metadata: { team: 'a' } } });
    expect(await ask('list_tokens')).toMatchObject({ tokens: [{ user: 'bootstrap' }, { user: 'alice' }] });
    await ask('whoami');
    await ask('delete_token', { id: token.id });
    await ask('delete_role', { role_id: 'devops' });
  });

  it('cleans up after itself, and has used every operation', async () => {
    await ask('delete_logs', TASK);
    await ask('delete_config', { ...PIPELINE, version: '1' });
    await ask('delete_pipeline', PIPELINE);
    const operations = (await import('../../kernel/src/http/fixtures/v0-operations.json', { with: { type: 'json' } })).default.operations;
    expect(operations.map(({ operation }) => operation).filter((operation) => !asked.has(operation))).toEqual([]);
  });
});
