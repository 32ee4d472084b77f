/** The use cases kept in memory, as far as the tests of this folder need them. */
import { GoferError } from '@gofer/contracts';
import type {
  Delivery,
  Deployment,
  Event,
  Extension,
  Namespace,
  Pipeline,
  PipelineConfig,
  Run,
  Secret,
  StoredObject,
  Subscription,
  TaskExecution,
} from '@gofer/contracts/api';
import type { LogService, NewAuditEntry, ObjectOwner, PipelinePath, Services, TaskPath } from '../services/services.ts';
import { memorySession } from './memory-attach.fixture.ts';
import { createMemoryIdentity, type Record } from './memory-identity.fixture.ts';

type LogBatch = Awaited<ReturnType<LogService['read']>> extends AsyncIterable<infer Batch> ? Batch : never;

export interface MemoryServices extends Services {
  /** What each `log` call was asked; the newest last. */
  readonly calls: { readonly name: string; readonly arguments: readonly unknown[] }[];
  /** The log of every task of run 1: lines without their line feed. */
  lines: readonly string[];
  /** What the one object holds. */
  object: Buffer;
  objectFails: boolean;
  /** Of the namespace. */
  description: string;
  /** Lines a batch. */
  batchSize: number;
  sealed: boolean;
  /** Entries of the audit; the newest last. */
  readonly audited: NewAuditEntry[];
  readonly batchesRead: () => number;
  /** Of all commands that were attached: pieces of input that were taken, pieces of output beyond the answers, and how many have ended. */
  readonly attached: { input: number; output: number; ended: number };
  emit(event: Event): void;
  finishRun(): void;
}

const NAMESPACE: Namespace = { id: 'default', name: 'Default', description: '', created: 1, modified: 0 };
const ids = { namespace_id: 'default', pipeline_id: 'demo' };
const RUN: Run = {
  ...ids,
  pipeline_config_version: 1,
  run_id: 1,
  started: 1,
  ended: 0,
  state: 'pending',
  status: 'unknown',
  status_reason: null,
  initiator: { id: '0', user: 'Anonymous' },
  variables: [],
  token_id: null,
  store_objects_expired: false,
  event_id: null,
};
const CONFIG: PipelineConfig = {
  ...ids,
  version: 1,
  parallelism: 0,
  name: 'Demo',
  description: '',
  tasks: {},
  state: 'live',
  registered: 1,
  deprecated: 0,
};
const EXTENSION: Extension = {
  registration: {
    extension_id: 'cron',
    image: 'builtin:cron',
    registry_auth: null,
    settings: [],
    created: 1,
    modified: 0,
    status: 'enabled',
    additional_roles: [],
  },
  url: 'http://127.0.0.1:8082',
  started: 1,
  state: 'running',
  documentation: { config_params: [], pipeline_subscription_params: [], body: '' },
};
const SUBSCRIPTION: Subscription = {
  ...ids,
  extension_id: 'cron',
  subscription_id: 'nightly',
  settings: {},
  status: 'active',
  status_reason: null,
};
const DELIVERY: Delivery = {
  delivery_id: '01970000-0000-7000-8000-000000000000',
  extension_id: 'cron',
  received: 1,
  size: 5,
  state: 'delivered',
  attempts: 1,
  finished: 2,
};
const PIPELINE: Pipeline = { metadata: { ...ids, created: 1, modified: 0, state: 'active' }, config: CONFIG };
const DEPLOYMENT: Deployment = {
  ...ids,
  deployment_id: 1,
  start_version: 1,
  end_version: 1,
  started: 1,
  ended: 2,
  state: 'Complete',
  status: 'Successful',
  status_reason: null,
  logs: [],
};
const OBJECT: StoredObject = { key: 'an-object', created: 1, size: 5 };
const SECRET: Secret = { key: 'a-secret', namespaces: ['default'], created: 1 };
const TASK: TaskExecution = {
  ...ids,
  run_id: 1,
  task_id: 'one',
  created: 1,
  started: 1,
  ended: 2,
  exit_code: 0,
  logs_expired: false,
  logs_removed: false,
  state: 'complete',
  status: 'successful',
  status_reason: null,
  variables: [],
  task: {
    id: 'one',
    description: '',
    image: 'busybox',
    registry_auth: null,
    depends_on: {},
    variables: [],
    entrypoint: null,
    command: null,
    inject_api_token: false,
    always_pull_newest_image: false,
  },
};

export function createMemoryServices(): MemoryServices {
  const calls: { name: string; arguments: readonly unknown[] }[] = [];
  let batchesRead = 0;
  const attached = { input: 0, output: 0, ended: 0 };
  let finish = Promise.withResolvers<void>();
  let listeners: ((event: Event) => void)[] = [];
  const audited: NewAuditEntry[] = [];
  const record: Record =
    <Arguments extends readonly unknown[], Result>(name: string, result: (...given: Arguments) => Result) =>
    async (...given: Arguments): Promise<Awaited<Result>> => {
      calls.push({ name, arguments: given });
      return await result(...given);
    };
  const known = (path: ObjectOwner) => {
    if ('extensionId' in path) return;
    if (path.pipelineId !== 'demo') throw new GoferError('NOT_FOUND', `There is no pipeline ${path.pipelineId}.`);
  };
  const knownTask = (path: TaskPath) => {
    known(path);
    if (path.taskId === 'gone') throw new GoferError('GONE', 'The log has expired.');
    if (path.taskId !== 'one') throw new GoferError('NOT_FOUND', `There is no task ${path.taskId}.`);
  };
  const bytes = () => Buffer.from(services.lines.map((line) => `${line}\n`).join(''));

  const services: MemoryServices = {
    calls,
    lines: ['hello', 'wörld', ''],
    object: Buffer.from('hello'),
    objectFails: false,
    description: '',
    batchSize: 2,
    sealed: true,
    audited,
    batchesRead: () => batchesRead,
    attached,
    emit: (event) => {
      for (const listener of listeners) listener(event);
    },
    finishRun: () => finish.resolve(),
    system: {
      metadata: record('metadata', () => ({ commit: 'abc', semver: '1.0.0' })),
      preferences: record('preferences', () => ({ bootstrap_token_created: false, ignore_pipeline_run_events: false })),
      updatePreferences: record('updatePreferences', () => undefined),
      health: record('health', () => undefined),
      readiness: record('readiness', () => ({ ready: true, problems: [], watchdog: { checks: 0, mended: 0 } })),
    },
    namespaces: {
      list: record('namespaces.list', () => [{ ...NAMESPACE, description: services.description }]),
      create: record('namespaces.create', (namespace: { id: string; name: string; description: string }) => ({
        ...NAMESPACE,
        ...namespace,
      })),
      get: record('namespaces.get', (id: string) => {
        if (id === 'broken') throw new TypeError('the secret of the house');
        if (id !== 'default') throw new GoferError('NOT_FOUND', `There is no namespace ${id}.`);
        return NAMESPACE;
      }),
      update: record('namespaces.update', (_: string, change: { name?: string }) => ({ ...NAMESPACE, ...change })),
      delete: record('namespaces.delete', () => undefined),
    },
    pipelines: {
      list: record('pipelines.list', () => [PIPELINE.metadata]),
      get: record('pipelines.get', (path: PipelinePath) => {
        known(path);
        return PIPELINE.metadata;
      }),
      setState: record('pipelines.setState', () => undefined),
      delete: record('pipelines.delete', () => undefined),
    },
    configs: {
      list: record('configs.list', () => [CONFIG]),
      register: record('configs.register', () => PIPELINE),
      get: record('configs.get', () => CONFIG),
      deploy: record('configs.deploy', () => DEPLOYMENT),
      delete: record('configs.delete', () => undefined),
    },
    deployments: { list: record('deployments.list', () => [DEPLOYMENT]), get: record('deployments.get', () => DEPLOYMENT) },
    runs: {
      list: record('runs.list', () => [RUN]),
      start: record('runs.start', () => RUN),
      get: record('runs.get', () => RUN),
      wait: record('runs.wait', async (_path: unknown, _seconds: number, signal: AbortSignal): Promise<Run> => {
        finish = Promise.withResolvers();
        signal.addEventListener('abort', () => finish.resolve());
        await finish.promise;
        return signal.aborted ? RUN : { ...RUN, state: 'complete', status: 'successful', ended: 5 };
      }),
      cancel: record('runs.cancel', () => undefined),
      cancelAll: record('runs.cancelAll', () => [1]),
      retry: record('runs.retry', () => RUN),
      purge: record('runs.purge', () => undefined),
    },
    taskExecutions: {
      list: record('tasks.list', () => [TASK]),
      get: record('tasks.get', (path: TaskPath) => {
        knownTask(path);
        return TASK;
      }),
      cancel: record('tasks.cancel', () => undefined),
    },
    attach: {
      attach: record('attach', (path: TaskPath) => {
        knownTask(path);
        return memorySession((what) => (attached[what] += 1));
      }),
    },
    logs: {
      stat: record('logs.stat', (path: TaskPath) => {
        knownTask(path);
        const size = bytes().length;
        const seal = { lines: services.lines.length, bytes: size, sha256: 'f'.repeat(64), complete: true };
        return { bytes: size, lines: services.lines.length, live: !services.sealed, ...(services.sealed ? { seal } : {}) };
      }),
      read: record('logs.read', (path: TaskPath, request: { after?: string; format: 'lines' | 'json'; signal: AbortSignal }) => {
        knownTask(path);
        if (request.after !== undefined && !/^\d+$/.test(request.after))
          throw new GoferError('INVALID_ARGUMENT', 'That is no cursor of this log.');
        return readLog(services, Number(request.after ?? 0), request.format, () => batchesRead++);
      }),
      raw: record('logs.raw', (path: TaskPath, range?: { start: number; end?: number }) => {
        knownTask(path);
        const all = bytes();
        const start = range?.start ?? 0;
        const end = Math.min(range?.end ?? all.length - 1, all.length - 1);
        return {
          size: all.length,
          start,
          end,
          complete: true,
          stream: (async function* () {
            yield all.subarray(start, end + 1);
          })(),
        };
      }),
      delete: record('logs.delete', () => undefined),
    },
    objects: {
      list: record('objects.list', () => [OBJECT]),
      put: record('objects.put', async (owner: ObjectOwner, key: string, body: AsyncIterable<Uint8Array>) => {
        known(owner);
        if (key === 'taken') throw new GoferError('ALREADY_EXISTS', 'There is one already.');
        const pieces: Uint8Array[] = [];
        for await (const piece of body) pieces.push(piece);
        services.object = Buffer.concat(pieces);
        return { ...OBJECT, key, size: services.object.length };
      }),
      get: record('objects.get', (owner: ObjectOwner) => {
        known(owner);
        const bytes = services.object;
        return {
          size: bytes.length,
          etag: '"v1"',
          async *read(range?: { start: number; end?: number }) {
            if (services.objectFails) throw new GoferError('DATA_LOSS', 'It is gone.');
            yield bytes.subarray(range?.start ?? 0, (range?.end ?? bytes.length - 1) + 1);
          },
        };
      }),
      delete: record('objects.delete', () => undefined),
    },
    secrets: {
      listOfPipeline: record('secrets.list', () => [SECRET]),
      putOfPipeline: record('secrets.put', () => SECRET),
      getOfPipeline: record('secrets.get', () => ({ metadata: SECRET, secret: null })),
      deleteOfPipeline: record('secrets.delete', () => undefined),
      listGlobal: record('secrets.listGlobal', () => [SECRET]),
      putGlobal: record('secrets.putGlobal', () => SECRET),
      getGlobal: record('secrets.getGlobal', () => ({ metadata: SECRET, secret: null })),
      deleteGlobal: record('secrets.deleteGlobal', () => undefined),
      rotate: record('secrets.rotate', () => 7),
    },
    ...createMemoryIdentity(record, audited),
    extensions: {
      list: record('extensions.list', () => [EXTENSION]),
      get: record('extensions.get', () => EXTENSION),
      install: record('extensions.install', () => EXTENSION),
      update: record('extensions.update', () => undefined),
      uninstall: record('extensions.uninstall', () => undefined),
      debug: record('extensions.debug', () => '{}'),
      logs: record('extensions.logs', () => readLog(services, 0, 'lines', () => batchesRead++)),
    },
    subscriptions: {
      list: record('subscriptions.list', () => [SUBSCRIPTION]),
      get: record('subscriptions.get', () => SUBSCRIPTION),
      create: record('subscriptions.create', () => SUBSCRIPTION),
      update: record('subscriptions.update', () => undefined),
      delete: record('subscriptions.delete', () => undefined),
      ofExtension: record('subscriptions.ofExtension', () => [SUBSCRIPTION]),
    },
    deliveries: {
      assertAccepts: record('deliveries.assertAccepts', () => undefined),
      accept: record('deliveries.accept', () => DELIVERY.delivery_id),
      list: record('deliveries.list', () => [DELIVERY]),
      get: record('deliveries.get', () => DELIVERY),
      body: record('deliveries.body', () => Buffer.from('hello')),
      redeliver: record('deliveries.redeliver', () => DELIVERY),
    },
    events: {
      get: record('events.get', (id: string) => ({ id, kind: { created_namespace: { namespace_id: 'default' } }, emitted: 1 })),
      delete: record('events.delete', () => undefined),
      stream: (query) => {
        calls.push({ name: 'events.stream', arguments: [query] });
        return followEvents(query, (listener) => {
          listeners.push(listener);
          return () => {
            listeners = listeners.filter((each) => each !== listener);
          };
        });
      },
    },
  };
  return services;
}

async function* readLog(services: MemoryServices, from: number, format: 'lines' | 'json', onBatch: () => void): AsyncGenerator<LogBatch> {
  for (let first = from; first < services.lines.length; first += services.batchSize) {
    onBatch();
    const lines = services.lines.slice(first, first + services.batchSize);
    const position = { firstLine: first, count: lines.length, cursor: String(first + lines.length) };
    if (format === 'json') {
      const message = { cursor: position.cursor, firstLine: first, lines: lines.map((text) => ({ stream: 'stdout', time: 1, text })) };
      yield { format, ...position, json: Buffer.from(JSON.stringify(message)) };
      continue;
    }
    const pieces = lines.map((line) => Buffer.from(`${line}\n`));
    let end = 0;
    const ends = Uint32Array.from(pieces, (piece) => (end += piece.length));
    yield { format, ...position, text: Buffer.concat(pieces), ends, runs: [{ stream: 'stdout', time: 1, lines: lines.length }] };
  }
}

async function* followEvents(
  query: { history: boolean; reverse: boolean; signal: AbortSignal },
  subscribe: (listener: (event: Event) => void) => () => void,
): AsyncGenerator<Event> {
  const queue: Event[] = query.history ? [{ id: 'stored', kind: { created_namespace: { namespace_id: 'default' } }, emitted: 1 }] : [];
  let wake = Promise.withResolvers<void>();
  const unsubscribe = subscribe((event) => {
    queue.push(event);
    wake.resolve();
  });
  query.signal.addEventListener('abort', () => wake.resolve());
  try {
    while (true) {
      for (let event = queue.shift(); event !== undefined; event = queue.shift()) yield event;
      if (query.reverse || query.signal.aborted) return;
      await wake.promise;
      wake = Promise.withResolvers();
    }
  } finally {
    unsubscribe();
  }
}
