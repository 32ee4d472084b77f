/** One request of every route that is in the audit, in an order in which each of them works, and what the entry is to tell. */
import type { OperationId, PathParameterName } from '@gofer/contracts/api';

export interface AuditedStep {
  readonly id: OperationId;
  /** Of the path; a name of something that was made stands for its id. Others are as in the table of routes. */
  readonly ids?: Partial<Readonly<Record<PathParameterName, string>>>;
  readonly query?: string;
  readonly body?: object;
  /** Likewise. */
  readonly target: Readonly<Record<string, string>>;
  /** The code of an error. */
  readonly result?: string;
  /** What the answer holds that later steps need. */
  readonly makes?: { readonly name: string; readonly read: (answer: { token_details: { id: string } }) => string };
}

/** What must be nowhere. Each of them is sent below. */
export const SECRETS_SENT = [
  'value-of-the-pipeline-secret',
  'value-of-the-global-secret',
  'password-of-the-registry',
  'value-that-is-refused',
] as const;
const [OF_PIPELINE, OF_ALL, PASSWORD, REFUSED] = SECRETS_SENT;

const IN = { namespace_id: 'audited', pipeline_id: 'demo' } as const;
const OF_RUN = { ...IN, run_id: '1' } as const;
const OF_TASK = { ...OF_RUN, task_id: 'one' } as const;
const OF_NONE = { ...IN, extension_id: 'audited', subscription_id: 'none' } as const;
const NOWHERE = '00000000-0000-7000-8000-000000000000';
const config = (image: string): object => ({
  config: {
    id: IN.pipeline_id,
    name: 'demo',
    parallelism: 0,
    tasks: [{ id: 'one', image, depends_on: {}, variables: {}, registry_auth: { user: 'someone', pass: PASSWORD } }],
  },
});

export const AUDITED_STEPS: readonly AuditedStep[] = [
  { id: 'create_namespace', body: { id: 'audited', name: 'Audited', description: '' }, target: { id: 'audited' } },
  { id: 'create_namespace', body: { id: 'audited', name: '', description: '' }, target: { id: 'audited' }, result: 'ALREADY_EXISTS' },
  { id: 'create_namespace', body: { id: 'no id', name: '', description: '' }, target: { id: 'no id' }, result: 'INVALID_ARGUMENT' },
  { id: 'update_namespace', ids: { namespace_id: 'audited' }, body: { name: 'Other' }, target: { namespace_id: 'audited' } },
  {
    id: 'update_namespace',
    ids: { namespace_id: 'missing' },
    body: { name: 'Other' },
    target: { namespace_id: 'missing' },
    result: 'NOT_FOUND',
  },
  { id: 'register_config', ids: IN, body: config('first'), target: { ...IN, version: '1' } },
  { id: 'register_config', ids: IN, body: { config: { id: 'demo' } }, target: IN, result: 'INVALID_ARGUMENT' },
  { id: 'deploy_config', ids: { ...IN, version: '1' }, target: { ...IN, version: '1' } },
  { id: 'register_config', ids: IN, body: config('second'), target: { ...IN, version: '2' } },
  { id: 'deploy_config', ids: { ...IN, version: '2' }, target: { ...IN, version: '2' } },
  { id: 'delete_config', ids: { ...IN, version: '2' }, target: { ...IN, version: '2' }, result: 'FAILED_PRECONDITION' },
  { id: 'delete_config', ids: { ...IN, version: '1' }, target: { ...IN, version: '1' } },
  { id: 'update_pipeline', ids: IN, body: { state: 'disabled' }, target: IN },
  { id: 'start_run', ids: IN, body: {}, target: IN, result: 'UNAVAILABLE' },
  { id: 'update_pipeline', ids: IN, body: { state: 'active' }, target: IN },
  { id: 'start_run', ids: IN, query: '?wait=60', body: { variables: { SECRET: 'nothing' } }, target: { ...IN, run_id: '1' } },
  { id: 'cancel_task_execution', ids: OF_TASK, target: OF_TASK },
  { id: 'cancel_run', ids: OF_RUN, target: OF_RUN },
  { id: 'retry_run', ids: OF_RUN, body: { from_failed: true }, target: OF_RUN, result: 'FAILED_PRECONDITION' },
  { id: 'retry_run', ids: OF_RUN, body: {}, target: { ...IN, run_id: '2', retry_of: '1' } },
  { id: 'cancel_runs', ids: IN, query: '?force=true', target: IN },
  { id: 'delete_logs', ids: OF_TASK, target: OF_TASK },
  { id: 'put_pipeline_object', ids: { ...IN, key: 'a/b' }, target: { ...IN, key: 'a/b' } },
  { id: 'put_pipeline_object', ids: { ...IN, key: 'a/b' }, target: { ...IN, key: 'a/b' }, result: 'ALREADY_EXISTS' },
  { id: 'put_run_object', ids: { ...OF_RUN, key: 'ü' }, target: { ...OF_RUN, key: 'ü' } },
  { id: 'delete_pipeline_object', ids: { ...IN, key: 'a/b' }, target: { ...IN, key: 'a/b' } },
  { id: 'delete_run_object', ids: { ...OF_RUN, key: 'ü' }, target: { ...OF_RUN, key: 'ü' } },
  { id: 'put_pipeline_secret', ids: IN, body: { key: 'own', content: OF_PIPELINE, force: false }, target: { ...IN, key: 'own' } },
  {
    id: 'put_pipeline_secret',
    ids: IN,
    body: { key: 'own', content: REFUSED, force: false },
    target: { ...IN, key: 'own' },
    result: 'ALREADY_EXISTS',
  },
  {
    id: 'put_pipeline_secret',
    ids: IN,
    body: { key: 'no key', content: REFUSED, force: false },
    target: { ...IN, key: 'no key' },
    result: 'INVALID_ARGUMENT',
  },
  { id: 'get_pipeline_secret', ids: { ...IN, key: 'own' }, query: '?include_secret=true', target: { ...IN, key: 'own' } },
  {
    id: 'get_pipeline_secret',
    ids: { ...IN, key: 'none' },
    query: '?include_secret=true',
    target: { ...IN, key: 'none' },
    result: 'NOT_FOUND',
  },
  { id: 'delete_pipeline_secret', ids: { ...IN, key: 'own' }, target: { ...IN, key: 'own' } },
  {
    id: 'put_global_secret',
    body: { key: 'all', content: OF_ALL, namespaces: ['^audited$', 'x.*'], force: false },
    target: { key: 'all', namespaces: '["^audited$","x.*"]' },
  },
  { id: 'get_global_secret', ids: { key: 'all' }, query: '?include_secret=true', target: { key: 'all' } },
  { id: 'rotate_secret_key', body: {}, target: {} },
  { id: 'delete_global_secret', ids: { key: 'all' }, target: { key: 'all' } },
  { id: 'update_system_preferences', body: { ignore_pipeline_run_events: false }, target: { ignore_pipeline_run_events: 'false' } },
  { id: 'update_system_preferences', body: {}, target: {} },
  { id: 'create_role', body: { id: 'audited-role', description: '', permissions: [] }, target: { id: 'audited-role', permissions: '[]' } },
  { id: 'update_role', ids: { role_id: 'audited-role' }, body: { description: 'changed' }, target: { role_id: 'audited-role' } },
  {
    id: 'update_role',
    ids: { role_id: 'audited-role' },
    body: { permissions: [{ resources: ['runs'], actions: ['read'] }] },
    target: { role_id: 'audited-role', permissions: '[{"resources":["runs"],"actions":["read"]}]' },
  },
  { id: 'update_role', ids: { role_id: 'admin' }, body: { description: 'changed' }, target: { role_id: 'admin' }, result: 'FORBIDDEN' },
  { id: 'delete_role', ids: { role_id: 'audited-role' }, target: { role_id: 'audited-role' } },
  { id: 'create_bootstrap_token', target: {}, result: 'FAILED_PRECONDITION' },
  {
    id: 'create_token',
    body: { user: 'ada', roles: ['user'], expires: 60, metadata: { note: REFUSED.slice(0, 5) } },
    target: { user: 'ada', roles: '["user"]', expires: '60', id: 'the token' },
    makes: { name: 'the token', read: (answer: { token_details: { id: string } }) => answer.token_details.id },
  },
  {
    id: 'create_token',
    body: { user: 'ada', roles: ['bootstrap'], expires: 0 },
    target: { user: 'ada', roles: '["bootstrap"]', expires: '0' },
    result: 'PERMISSION_DENIED',
  },
  { id: 'update_token', ids: { id: 'the token' }, body: { disabled: true }, target: { id: 'the token', disabled: 'true' } },
  {
    id: 'update_token',
    ids: { id: 'the admin' },
    body: { disabled: true },
    target: { id: 'the admin', disabled: 'true' },
    result: 'FAILED_PRECONDITION',
  },
  { id: 'delete_token', ids: { id: 'the token' }, target: { id: 'the token' } },
  { id: 'delete_token', ids: { id: 'the admin' }, target: { id: 'the admin' }, result: 'FAILED_PRECONDITION' },
  {
    id: 'install_extension',
    query: '?wait=0',
    body: { id: 'audited', image: 'any', settings: { PASSWORD } },
    target: { id: 'audited', image: 'any' },
  },
  {
    id: 'install_extension',
    body: { id: 'audited', image: 'any', settings: { PASSWORD } },
    target: { id: 'audited', image: 'any' },
    result: 'ALREADY_EXISTS',
  },
  {
    id: 'update_extension',
    ids: { extension_id: 'audited' },
    body: { enable: false },
    target: { extension_id: 'audited', enable: 'false' },
  },
  {
    id: 'update_extension',
    ids: { extension_id: 'audited' },
    body: { settings: { OTHER: PASSWORD } },
    target: { extension_id: 'audited' },
  },
  { id: 'put_extension_object', ids: { extension_id: 'audited', key: 'a' }, target: { extension_id: 'audited', key: 'a' } },
  { id: 'delete_extension_object', ids: { extension_id: 'audited', key: 'a' }, target: { extension_id: 'audited', key: 'a' } },
  {
    id: 'redeliver_extension_delivery',
    ids: { extension_id: 'audited', delivery_id: NOWHERE },
    target: { extension_id: 'audited', delivery_id: NOWHERE },
    result: 'NOT_FOUND',
  },
  {
    id: 'create_subscription',
    ids: IN,
    body: { extension_id: 'audited', subscription_id: 'one', settings: {} },
    target: { ...IN, extension_id: 'audited', subscription_id: 'one' },
    result: 'FAILED_PRECONDITION',
  },
  {
    id: 'update_subscription',
    ids: OF_NONE,
    body: { status: 'disabled' },
    target: { ...OF_NONE, status: 'disabled' },
    result: 'NOT_FOUND',
  },
  { id: 'delete_subscription', ids: OF_NONE, target: OF_NONE, result: 'NOT_FOUND' },
  { id: 'uninstall_extension', ids: { extension_id: 'audited' }, target: { extension_id: 'audited' } },
  { id: 'uninstall_extension', ids: { extension_id: 'audited' }, target: { extension_id: 'audited' }, result: 'NOT_FOUND' },
  { id: 'create_session', target: {} },
  { id: 'delete_session', target: {} },
  {
    id: 'delete_event',
    ids: { event_id: '00000000-0000-7000-8000-000000000000' },
    target: { event_id: '00000000-0000-7000-8000-000000000000' },
    result: 'GONE',
  },
  { id: 'cancel_run', ids: OF_RUN, query: '?purge=true', target: OF_RUN },
  { id: 'delete_pipeline', ids: IN, target: IN },
  { id: 'delete_pipeline', ids: IN, target: IN, result: 'NOT_FOUND' },
  { id: 'delete_namespace', ids: { namespace_id: 'audited' }, target: { namespace_id: 'audited' } },
];

export function bodyOf({ id, body }: AuditedStep): unknown {
  return id === 'put_pipeline_object' || id === 'put_run_object' || id === 'put_extension_object' ? Buffer.from('an object') : body;
}
