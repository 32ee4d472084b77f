/** Every key of the server's configuration. Names are the ones of the file; a key's other spelling is its alias. */
import * as Type from 'typebox';
import { address, asSetting, choice, count, duration, flag, LONGEST_TIMER, list, path, secret, table, webUrl } from './setting.ts';
import { authSchema, objectStoreSchema, schedulerSchema, secretStoreSchema } from './store-and-scheduler-schema.ts';

const apiSchema = table('The rules of the service: limits, retention, logging.', {
  event_log_retention: duration('How long events are kept.', { default: '4380h' }),
  audit_retention: duration('How long entries of the audit are kept.', { default: '8760h' }),
  event_prune_interval: duration('How often events and entries of the audit that are too old are removed.', {
    default: '3h',
    minimum: '1s',
  }),
  ignore_pipeline_run_events: flag(
    'Start with event ingress off, so that no run can be started. Counts for the first start; afterwards the stored preference does.',
    { default: false },
  ),
  log_level: choice('The least severe level that is logged.', ['trace', 'debug', 'info', 'warn', 'error'], { default: 'info' }),
  pipeline_run_concurrency_limit: count(
    'How many runs of one pipeline may be active at once, where the pipeline sets no smaller limit. 0 is unlimited.',
    {
      default: 200,
      aliases: ['run_parallelism_limit'],
    },
  ),
  global_run_concurrency_limit: count('How many runs may be active at once in all. 0 is unlimited.', { default: 2000 }),
  pipeline_version_retention: count('How many versions of a pipeline are kept. Live versions and those in use always are.', {
    default: 10,
    minimum: 1,
  }),
  task_execution_logs_dir: path('The directory of the task logs.', { statePath: 'logs', sample: '/var/lib/gofer/logs' }),
  task_execution_log_retention: count("How many of a pipeline's runs keep their task logs.", {
    default: 50,
    minimum: 1,
    aliases: ['task_execution_log_expiry'],
  }),
  task_execution_stop_timeout: duration('How long a task that is asked to stop has until it is stopped by force.', {
    default: '5m',
    maximum: LONGEST_TIMER,
  }),
  admin_key: Type.Optional(secret('Read for compatibility; not used.', { ignored: 'remove it' })),
});

const developmentSchema = table('Conveniences for development. None of them belongs on a server that others can reach.', {
  bypass_auth: flag('Skip authentication for every route. The server then binds loopback addresses only.', {
    default: false,
    developmentDefault: true,
  }),
  default_encryption: flag('Encrypt the secret store with the well-known default key.', { default: false, developmentDefault: true }),
  pretty_logging: flag('Log for people instead of as JSON.', { default: false, developmentDefault: true }),
  use_included_certs: flag('Use a certificate for localhost that the server makes itself.', {
    default: false,
    aliases: ['use_localhost_tls'],
  }),
});

const tlsKeys = {
  use_tls: flag('Serve TLS. Where this is not set, a configured certificate and key turn it on.', { default: false }),
  tls_cert_path: Type.Optional(path('The TLS certificate (PEM).', { sample: '/etc/gofer/cert.pem' })),
  tls_key_path: Type.Optional(path("The TLS certificate's private key (PEM).", { sample: '/etc/gofer/key.pem' })),
};

const serverSchema = table('The main service.', {
  url: Type.Optional(webUrl('The public address of the service, used in links and reports.', { sample: 'http://localhost:8080' })),
  bind_address: address('The address and port of the service. Port 0 takes a free one.', { default: 'localhost:8080', aliases: ['host'] }),
  extension_address: Type.Optional(
    address(
      'The address under which tasks and extensions reach this service from inside their containers. Without it a second listener is opened for them where the scheduler says that they reach this machine, as Docker does; it takes their tokens only.',
      { sample: '172.17.0.1:8080' },
    ),
  ),
  shutdown_timeout: duration('How long a stopping server waits for what is in progress.', { default: '15s', maximum: LONGEST_TIMER }),
  ...tlsKeys,
  storage_path: path('The database file.', { statePath: 'gofer.db', sample: '/var/lib/gofer/gofer.db' }),
  minimum_free_disk: count(
    'Bytes that must be free where the database and the logs are for a run to start; below it new runs are refused, so that those that go on can be kept. 0 turns it off.',
    { default: 67_108_864 },
  ),
  storage_results_limit: count('The largest page of a list that is asked for with a limit.', {
    default: 200,
    minimum: 1,
    maximum: 100_000,
  }),
  cors_origins: list('The web origins that may call the API from a browser, such as https://ci.example.com. None by default.', {
    default: [],
  }),
  request_timeout: duration('How long a client may take to send a request. Streams are not limited.', {
    default: '30s',
    minimum: '1s',
    maximum: LONGEST_TIMER,
  }),
  max_body_size: count('The largest request body in bytes, objects excepted.', {
    default: 33_554_432,
    minimum: 1024,
    maximum: 1_073_741_824,
  }),
  anonymous_read: flag('Let requests without a token read what the role `anonymous` may.', { default: false }),
  session_lifetime: duration('How long a browser stays logged in.', { default: '12h', minimum: '1m', maximum: LONGEST_TIMER }),
  trusted_proxies: list(
    'Addresses or networks (10.0.0.0/8) of reverse proxies, whose X-Forwarded-For and X-Forwarded-Proto are believed. None by default.',
    { default: [] },
  ),
});

const limitsSchema = table('What one client, and all of them together, may ask of the service.', {
  failed_authentications: count(
    'How many requests with wrong credentials an address may send in a minute before it has to wait; right ones are answered meanwhile. 0 is unlimited.',
    { default: 30 },
  ),
  expensive_requests: count(
    'How many requests that start runs, register pipelines, upload objects or rotate keys one token may send in a minute. 0 is unlimited.',
    { default: 0 },
  ),
  max_connections: count('Connections that are open at once; more are closed at once.', {
    default: 10_000,
    minimum: 10,
    maximum: 1_000_000,
  }),
  max_web_sockets: count('WebSockets that are open at once: followers of logs and events.', {
    default: 5000,
    minimum: 1,
    maximum: 1_000_000,
  }),
  max_header_size: count('The headers of a request in bytes, its target included.', { default: 16_384, minimum: 4096, maximum: 1_048_576 }),
  max_headers: count('Headers of a request.', { default: 100, minimum: 20, maximum: 2000 }),
  max_url_length: count("A request's target in bytes.", { default: 8192, minimum: 1024, maximum: 1_048_576 }),
  max_json_depth: count('Objects and arrays inside each other in a body.', { default: 64, minimum: 8, maximum: 1000 }),
  header_timeout: duration('How long a client may take to send the headers of a request.', {
    default: '15s',
    minimum: '1s',
    maximum: LONGEST_TIMER,
  }),
});

/** Where external events are taken unless another address is chosen. */
export const EXTERNAL_EVENTS_ADDRESS = 'localhost:8081';

const externalEventsSchema = table(
  'The listener for events from outside, such as webhooks, which are handed to extensions.',
  {
    enable: flag('Start the listener.', { default: true }),
    bind_address: address('The address and port of the listener. Port 0 takes a free one.', {
      default: EXTERNAL_EVENTS_ADDRESS,
      aliases: ['host'],
    }),
    ...tlsKeys,
    max_body_size: count('The largest body of an event in bytes.', { default: 26_214_400, minimum: 1024, maximum: 268_435_456 }),
    requests_per_minute: count('How many events are taken for one extension in a minute, from all senders together. 0 is unlimited.', {
      default: 600,
    }),
    sender_requests_per_minute: count(
      "How many events are taken from one address in a minute, for all extensions together. Where it is not set it is half of requests_per_minute, so that no sender uses up an extension's share, and 0 where that is 0. Behind a proxy needs server.trusted_proxies. 0 is unlimited.",
      { default: 300 },
    ),
    max_pending: count('How many events may wait for one extension; more are refused until it has taken some.', {
      default: 10_000,
      minimum: 1,
      maximum: 100_000,
    }),
    max_stored_size: count(
      'Bytes of events that are kept for one extension. For more the oldest that it was handed go, those that it refused before others; where too many wait, new ones are refused.',
      { default: 1_073_741_824, minimum: 1_048_576 },
    ),
    delivery_retention: duration('How long events are kept, whether their extension took them or not.', { default: '168h', minimum: '1m' }),
  },
  { aliases: ['external_events_api'] },
);

const extensionsSchema = table('The extensions: containers that start runs when something happens.', {
  install_std_extensions: flag('Install the cron and interval extensions on the first start.', {
    default: true,
    aliases: ['install_base_extensions'],
  }),
  stop_timeout: duration('How long a stopping extension has until it is stopped by force.', { default: '5m', maximum: LONGEST_TIMER }),
  ...tlsKeys,
  verify_certs: flag('Check the certificates that extensions present.', { default: false }),
  start_timeout: duration('How long an extension that was started may take until it is healthy; then it is started again.', {
    default: '60s',
    minimum: '1s',
    maximum: LONGEST_TIMER,
  }),
  health_interval: duration(
    'How often extensions are asked whether they are healthy. One that is not 3 times in a row is shown as unhealthy; after 6 times it is started again.',
    { default: '10s', minimum: '1s', maximum: LONGEST_TIMER },
  ),
  longest_restart_delay: duration(
    'How long an extension that does not run waits at most until it is started again: a second at first, doubled each time.',
    { default: '5m', minimum: '1s', maximum: LONGEST_TIMER },
  ),
  request_timeout: duration('How long an extension may take to answer the service.', {
    default: '10s',
    minimum: '1s',
    maximum: LONGEST_TIMER,
  }),
  max_log_size: count(
    'Bytes that are kept of the log of each start of an extension, with its index: the oldest lines go for new ones. A container that has written 16 times as much, since its start or since the server that runs now has taken it up, is started again, as its engine keeps all that it writes until it ends.',
    { default: 67_108_864, minimum: 1_048_576, maximum: 1_099_511_627_776 },
  ),
  runs_per_minute: count('How many runs one extension may start in a minute before it has to wait. 0 is unlimited.', { default: 6000 }),
});

const workersSchema = table('Threads beside the main one.', {
  dag_threads: count('Threads that validate and evaluate graphs.', { default: 1, minimum: 1, maximum: 64 }),
  log_threads: count('Threads that write, index and search logs.', { default: 2, minimum: 1, maximum: 64 }),
});

/** `GOFER_WEB_API__LOG_LEVEL` is `api.log_level`. */
export const SERVER_ENVIRONMENT_PREFIX = 'GOFER_WEB_';

export const serverConfigSchema = table('The configuration of the Gofer service.', {
  api: apiSchema,
  server: serverSchema,
  limits: limitsSchema,
  auth: authSchema,
  external_events: externalEventsSchema,
  scheduler: schedulerSchema,
  object_store: objectStoreSchema,
  secret_store: secretStoreSchema,
  extensions: extensionsSchema,
  workers: workersSchema,
  development: developmentSchema,
});

/** The same, as its readers see it. */
export const serverSettings = asSetting(serverConfigSchema);

/** Deeply frozen. Durations are seconds; paths are as configured. */
export type ServerConfig = DeepReadonly<Type.Static<typeof serverConfigSchema>>;

export type DeepReadonly<Value> = Value extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
    : Value;
