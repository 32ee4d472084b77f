/**
 * Who may call which route, written by hand from the documentation and not from the routes' own permissions, so that a change of either
 * shows. A new route needs a row here. All of them are called on the pipeline `demo` of the namespace `default`, unless `PATHS` says
 * otherwise.
 */
import type { OperationId, PathParameterName } from '@gofer/contracts/api';

export const COLUMNS = [
  // No credentials, or none that count.
  'nobody',
  // A token without roles.
  'roleless',
  // Every resource of a namespace, in the namespace `other`.
  'elsewhere',
  // Every resource of a namespace, for the pipeline `demo2` of `default`.
  'neighbour',
  // Everything, to read.
  'reader',
  // Everything, but namespaces and pipelines in one role and the rest in another.
  'split',
  // Everything, but not the role admin.
  'manager',
  // The role `user`.
  'user',
  // A task of `default/demo`.
  'task',
  // A task of `other/demo`.
  'foreign',
  // The roles `admin` and `bootstrap`.
  'admin',
] as const;
export type Column = (typeof COLUMNS)[number];

/** `+` is let in; `U` is 401 `UNAUTHENTICATED`; `-` is 401 `PERMISSION_DENIED`. */
export type Verdict = '+' | 'U' | '-';

const ADMIN = 'U - - - - - - - - - +';
const ANY_TOKEN = 'U + + + + + + + + + +';
const EVERYBODY = '+ + + + + + + + + + +';
/** Of the pipeline and one more kind of resource at least. */
const READ = 'U - - - + - + + + - +';
const WRITE = 'U - - - - - + + + - +';
const DELETE = 'U - - - - - + + - - +';
const READ_SECRETS = 'U - - - + - + + - - +';
const WRITE_SECRETS = 'U - - - - - + + - - +';
const EVENTS = 'U - + + + + + + + + +';
const IDENTITY = 'U - - - + + + - - - +';

export const ROUTE_TABLE: Readonly<Record<OperationId, string>> = {
  //                       nobody, roleless, elsewhere, neighbour, reader, split, manager, user, task, foreign, admin
  get_system_metadata: EVERYBODY,
  get_system_health: EVERYBODY,
  get_system_preferences: ADMIN,
  update_system_preferences: ADMIN,
  list_namespaces: 'U - + + + + + + + + +',
  create_namespace: ADMIN,
  get_namespace: '  U - - + + + + + + - +',
  update_namespace: ADMIN,
  delete_namespace: ADMIN,
  list_pipelines: ' U - - + + + + + + - +',
  get_pipeline: '   U - - - + + + + + - +',
  update_pipeline: 'U - - - - + + + + - +',
  delete_pipeline: 'U - - - - + + + - - +',
  list_configs: READ,
  register_config: WRITE,
  get_config: READ,
  deploy_config: WRITE,
  delete_config: DELETE,
  list_deployments: READ,
  get_deployment: READ,
  list_runs: READ,
  start_run: WRITE,
  get_run: READ,
  cancel_run: DELETE,
  cancel_runs: DELETE,
  retry_run: WRITE,
  list_task_executions: READ,
  get_task_execution: READ,
  cancel_task_execution: DELETE,
  get_logs: READ,
  get_logs_raw: READ,
  // The role `user` and tasks read task executions only.
  attach_task_execution: 'U - - - - - + - - - +',
  delete_logs: '    U - - - - - + - - - +',
  list_pipeline_objects: READ,
  get_pipeline_object: READ,
  put_pipeline_object: WRITE,
  delete_pipeline_object: DELETE,
  list_run_objects: READ,
  get_run_object: READ,
  put_run_object: WRITE,
  delete_run_object: DELETE,
  list_global_secrets: ADMIN,
  put_global_secret: ADMIN,
  get_global_secret: ADMIN,
  delete_global_secret: ADMIN,
  list_pipeline_secrets: READ_SECRETS,
  put_pipeline_secret: WRITE_SECRETS,
  get_pipeline_secret: READ_SECRETS,
  delete_pipeline_secret: WRITE_SECRETS,
  rotate_secret_key: ADMIN,
  list_subscriptions: READ,
  // A task of the pipeline reads them only.
  create_subscription: 'U - - - - - + + - - +',
  get_subscription: READ,
  update_subscription: 'U - - - - - + + - - +',
  delete_subscription: DELETE,
  list_extensions: '        U - - - + + + - - - +',
  install_extension: ADMIN,
  get_extension: '          U - - - + + + - - - +',
  update_extension: ADMIN,
  uninstall_extension: ADMIN,
  get_extension_logs: '     U - - - + + + - - - +',
  get_extension_debug_info: ADMIN,
  list_extension_subscriptions: 'U - - - + + + - - - +',
  list_extension_deliveries: 'U - - - + + + - - - +',
  get_extension_delivery: ADMIN,
  get_extension_delivery_body: ADMIN,
  redeliver_extension_delivery: ADMIN,
  list_extension_objects: ' U - - - + + + - - - +',
  get_extension_object: '   U - - - + + + - - - +',
  put_extension_object: '   U - - - - + + - - - +',
  delete_extension_object: 'U - - - - + + - - - +',
  stream_events: EVENTS,
  get_event: EVENTS,
  delete_event: ADMIN,
  create_bootstrap_token: EVERYBODY,
  whoami: ANY_TOKEN,
  list_tokens: ADMIN,
  create_token: ADMIN,
  get_token_by_id: IDENTITY,
  update_token: ADMIN,
  delete_token: ADMIN,
  create_session: ANY_TOKEN,
  delete_session: ANY_TOKEN,
  list_roles: IDENTITY,
  create_role: ADMIN,
  get_role: IDENTITY,
  update_role: ADMIN,
  delete_role: ADMIN,
  list_audit: ADMIN,
};

/** What `server.anonymous_read` opens in the namespace `default` to whoever sends no token. */
export const ANONYMOUS_ROUTES: readonly OperationId[] = ['list_pipelines', 'get_pipeline', 'list_runs', 'get_run'];

/** These end what the others need, so that they are called last. */
export const LAST: readonly OperationId[] = ['delete_logs', 'delete_session'];

const NOBODY_HAS = '00000000-0000-7000-8000-000000000000';
const IDS: Readonly<Record<PathParameterName, string>> = {
  namespace_id: 'default',
  pipeline_id: 'demo',
  version: '1',
  deployment_id: '1',
  run_id: '1',
  task_id: 'one',
  event_id: NOBODY_HAS,
  key: 'key',
  id: NOBODY_HAS,
  role_id: 'nobody-has-it',
  extension_id: 'nobody-has-it',
  subscription_id: 'nobody-has-it',
  delivery_id: NOBODY_HAS,
};
export const PATHS: Partial<Record<OperationId, Partial<typeof IDS>>> = {
  delete_namespace: { namespace_id: 'spare' },
  // With the pipeline its tasks' tokens would go.
  delete_pipeline: { pipeline_id: 'nobody-has-it' },
};

export function fillPath(path: string, ids: Partial<Record<PathParameterName, string>> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: PathParameterName) => encodeURIComponent(ids[name] ?? IDS[name]));
}

export function verdictOf(id: OperationId, column: Column): Verdict {
  const verdicts = ROUTE_TABLE[id].trim().split(/\s+/);
  const verdict = verdicts[COLUMNS.indexOf(column)];
  if (verdicts.length !== COLUMNS.length || (verdict !== '+' && verdict !== 'U' && verdict !== '-'))
    throw new Error(`the row of ${id} in test/access/route-table.ts needs one of + U - for each of ${COLUMNS.join(', ')}`);
  return verdict;
}
