/**
 * The resources of the v0 wire: schema, type and JSON Schema in one. Times are epoch milliseconds (0: unset), durations seconds.
 * Fields beyond v0's are optional additions; none of v0's is renamed, and v0's enums never carry a new value.
 */
import type { Static } from 'typebox';
import * as Type from 'typebox';
import { PIPELINE_RELIABILITY, TASK_RELIABILITY } from './reliability.ts';

const literals = <const T extends readonly string[]>(values: T, options: { description?: string; default?: T[number] } = {}) =>
  Type.Unsafe<T[number]>({ type: 'string', enum: values, ...options });
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = (description: string) => Type.Integer({ minimum: 0, description: `${description} (epoch milliseconds; 0: not yet)` });

export const Namespace = Type.Object(
  {
    id: Type.String(),
    name: Type.String(),
    description: Type.String(),
    created: Time('When it was created'),
    modified: Time('When it was last changed'),
  },
  { $id: 'Namespace' },
);
export type Namespace = Static<typeof Namespace>;

export const PIPELINE_STATES = ['unknown', 'active', 'disabled'] as const;
export const PipelineState = literals(PIPELINE_STATES);
export const PipelineMetadata = Type.Object(
  {
    namespace_id: Type.String(),
    pipeline_id: Type.String(),
    created: Time('When it was first registered'),
    modified: Time('When it was last changed'),
    state: PipelineState,
  },
  { $id: 'Metadata' },
);
export type PipelineMetadata = Static<typeof PipelineMetadata>;

export const VARIABLE_SOURCES = ['unknown', 'pipeline_config', 'system', 'run_options', 'extension'] as const;
export const Variable = Type.Object({ key: Type.String(), value: Type.String(), source: literals(VARIABLE_SOURCES) }, { $id: 'Variable' });
export type Variable = Static<typeof Variable>;

export const PARENT_STATUSES = ['unknown', 'any', 'success', 'failure'] as const;
export const RegistryAuth = Type.Object({ user: Type.String(), pass: Type.String() }, { $id: 'RegistryAuth' });
export const Task = Type.Object(
  {
    id: Type.String(),
    description: Type.String(),
    image: Type.String(),
    registry_auth: nullable(RegistryAuth),
    depends_on: Type.Record(Type.String(), literals(PARENT_STATUSES)),
    variables: Type.Array(Variable),
    entrypoint: nullable(Type.Array(Type.String())),
    command: nullable(Type.Array(Type.String())),
    inject_api_token: Type.Boolean(),
    always_pull_newest_image: Type.Boolean(),
    ...TASK_RELIABILITY,
  },
  { $id: 'Task' },
);
export type Task = Static<typeof Task>;

/** A subscription as a pipeline's code has it. */
export const ConfigSubscription = Type.Object(
  { extension_id: Type.String(), subscription_id: Type.String(), settings: Type.Record(Type.String(), Type.String()) },
  { $id: 'ConfigSubscription' },
);
export type ConfigSubscription = Static<typeof ConfigSubscription>;

export const CONFIG_STATES = ['unknown', 'unreleased', 'live', 'deprecated'] as const;
export const PipelineConfig = Type.Object(
  {
    namespace_id: Type.String(),
    pipeline_id: Type.String(),
    version: Type.Integer({ minimum: 0 }),
    parallelism: Type.Integer({ minimum: 0 }),
    name: Type.String(),
    description: Type.String(),
    tasks: Type.Record(Type.String(), Task),
    state: literals(CONFIG_STATES),
    registered: Time('When it was registered'),
    deprecated: Time('When another version took its place'),
    ...PIPELINE_RELIABILITY,
    subscriptions: Type.Optional(Type.Array(ConfigSubscription, { description: 'Those that its code keeps; absent where it has none' })),
  },
  { $id: 'Config' },
);
export type PipelineConfig = Static<typeof PipelineConfig>;

export const Pipeline = Type.Object({ metadata: PipelineMetadata, config: PipelineConfig }, { $id: 'Pipeline' });
export type Pipeline = Static<typeof Pipeline>;

/** `{ "<kind>": { …payload } }`, exactly one key. */
export const Event = Type.Object(
  { id: Type.String(), kind: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown())), emitted: Time('When it happened') },
  { $id: 'Event' },
);
export type Event = Static<typeof Event>;

/** A deployment's enums are PascalCase on v0's wire, unlike every other. */
export const Deployment = Type.Object(
  {
    namespace_id: Type.String(),
    pipeline_id: Type.String(),
    deployment_id: Type.Integer({ minimum: 1 }),
    start_version: Type.Integer({ minimum: 0 }),
    end_version: Type.Integer({ minimum: 0 }),
    started: Time('When it began'),
    ended: Time('When it ended'),
    state: literals(['Unknown', 'Running', 'Complete']),
    status: literals(['Unknown', 'Failed', 'Successful']),
    status_reason: nullable(Type.Object({ reason: literals(['Unknown']), description: Type.String() })),
    logs: Type.Array(Event),
  },
  { $id: 'Deployment' },
);
export type Deployment = Static<typeof Deployment>;

export const Initiator = Type.Object({ id: Type.String(), user: Type.String() }, { $id: 'Initiator' });
export type Initiator = Static<typeof Initiator>;

/** What something that has not ended waits for. */
export const Waiting = Type.Object(
  {
    kind: Type.String({ description: 'What kind of thing it waits for, as one word; new kinds may come' }),
    message: Type.String({ description: 'What it waits for, for a person' }),
    since: Time('Since when'),
    until: Type.Optional(Time('When it changes at the latest, where that is known')),
    next: Type.String({ description: 'What happens next, for a person' }),
  },
  { $id: 'Waiting' },
);
export type Waiting = Static<typeof Waiting>;
export const Cancellation = Type.Object(
  {
    at: Time('When its end was asked for'),
    description: Type.String({ description: 'Why, for a person' }),
    by: Type.Optional(Initiator),
  },
  { $id: 'Cancellation', description: 'The first request to end it' },
);
export type Cancellation = Static<typeof Cancellation>;
const Cause = Type.Optional(
  Type.String({ description: 'What brought it to its end, finer than `reason`, as one word; new ones may come' }),
);
const By = Type.Optional(Initiator);

export const RUN_STATES = ['unknown', 'pending', 'running', 'complete'] as const;
export const RUN_STATUSES = ['unknown', 'failed', 'successful', 'cancelled'] as const;
export const RUN_REASONS = [
  'unknown',
  'abnormal_exit',
  'scheduler_error',
  'failed_precondition',
  'user_cancelled',
  'admin_cancelled',
] as const;
export type RunReason = (typeof RUN_REASONS)[number];
export const Run = Type.Object(
  {
    namespace_id: Type.String(),
    pipeline_id: Type.String(),
    pipeline_config_version: Type.Integer({ minimum: 0 }),
    run_id: Type.Integer({ minimum: 1 }),
    started: Time('When it was asked for'),
    ended: Time('When it ended'),
    state: literals(RUN_STATES),
    status: literals(RUN_STATUSES),
    status_reason: nullable(Type.Object({ reason: literals(RUN_REASONS), description: Type.String(), cause: Cause, by: By })),
    initiator: Initiator,
    variables: Type.Array(Variable),
    token_id: nullable(Type.String()),
    store_objects_expired: Type.Boolean(),
    event_id: nullable(Type.String()),
    begun: Type.Optional(Time('When it was admitted')),
    retry_of: Type.Optional(Type.Integer({ minimum: 1, description: 'The run that it repeats' })),
    cancellation: Type.Optional(Cancellation),
    waiting_reason: Type.Optional(Type.String({ description: 'Why it has not ended yet; absent once it has' })),
    waiting: Type.Optional(Waiting),
  },
  { $id: 'Run' },
);
export type Run = Static<typeof Run>;

export const TASK_STATES = ['unknown', 'processing', 'waiting', 'running', 'complete'] as const;
export const TASK_STATUSES = ['unknown', 'failed', 'successful', 'cancelled', 'skipped'] as const;
export const TASK_REASONS = ['unknown', 'abnormal_exit', 'scheduler_error', 'failed_precondition', 'cancelled', 'orphaned'] as const;
export type TaskReason = (typeof TASK_REASONS)[number];
const TaskStatusReason = Type.Object({ reason: literals(TASK_REASONS), description: Type.String(), cause: Cause, by: By });
export const LogSummary = Type.Object(
  {
    lines: Type.Integer({ minimum: 0 }),
    bytes: Type.Integer({ minimum: 0 }),
    sha256: Type.String({ description: 'Of the bytes kept, lower-case hexadecimal' }),
    complete: Type.Boolean({ description: 'Every byte that the task wrote was kept' }),
    problem: Type.Optional(Type.String({ description: 'Why it is not complete' })),
  },
  { $id: 'LogSummary' },
);
export type LogSummary = Static<typeof LogSummary>;
export const Attempt = Type.Object(
  {
    attempt: Type.Integer({ minimum: 1 }),
    id: Type.String({ description: "The attempt's uuid: the value of the label `attempt` on its container" }),
    engine: Type.String(),
    state: literals(TASK_STATES),
    status: literals(TASK_STATUSES),
    exit_code: nullable(Type.Integer({ minimum: 0, maximum: 255 })),
    started: Time('When its container started'),
    ended: Time('When it ended'),
    status_reason: Type.Optional(TaskStatusReason),
    late: Type.Optional(
      Type.Object(
        {
          exit_code: Type.Optional(Type.Integer({ minimum: 0, maximum: 255 })),
          description: Type.String(),
          seen: Time('When it was heard'),
        },
        { description: 'What was heard of it after its end was decided: evidence, which changes nothing' },
      ),
    ),
    log: Type.Optional(LogSummary),
  },
  { $id: 'Attempt' },
);
export type Attempt = Static<typeof Attempt>;
export const TaskExecution = Type.Object(
  {
    namespace_id: Type.String(),
    pipeline_id: Type.String(),
    run_id: Type.Integer({ minimum: 1 }),
    task_id: Type.String(),
    created: Time('When it came to be'),
    started: Time('When its container started'),
    ended: Time('When it ended'),
    exit_code: nullable(Type.Integer({ minimum: 0, maximum: 255 })),
    logs_expired: Type.Boolean(),
    logs_removed: Type.Boolean(),
    state: literals(TASK_STATES),
    status: literals(TASK_STATUSES),
    status_reason: nullable(TaskStatusReason),
    variables: Type.Array(Variable),
    task: Task,
    waiting_reason: Type.Optional(Type.String({ description: 'Why it has not ended yet; absent once it has' })),
    waiting: Type.Optional(Waiting),
    cancellation: Type.Optional(Cancellation),
    taken_from_run: Type.Optional(Type.Integer({ minimum: 1, description: 'The run that has run it: its result, and its log, are there' })),
    attempt: Type.Optional(Type.Integer({ minimum: 1, description: 'The latest attempt, which the other fields are about' })),
    attempts: Type.Optional(Type.Array(Attempt)),
    log: Type.Optional(LogSummary),
    warnings: Type.Optional(
      Type.Array(Type.String(), { description: 'What is worth knowing about it, such as a secret that is too short to be masked' }),
    ),
  },
  { $id: 'TaskExecution' },
);
export type TaskExecution = Static<typeof TaskExecution>;

export const StoredObject = Type.Object(
  {
    key: Type.String(),
    created: Time('When these contents were put'),
    size: Type.Optional(Type.Integer({ minimum: 0, description: 'Bytes' })),
    etag: Type.Optional(Type.String({ description: 'The entity tag that a download answers with; other contents have another' })),
  },
  { $id: 'Object' },
);
export type StoredObject = Static<typeof StoredObject>;

export const Secret = Type.Object(
  {
    key: Type.String(),
    namespaces: Type.Array(Type.String(), {
      description: 'Who may use it: regular expressions (RE2) that match a whole namespace id; for a pipeline secret its own namespace',
    }),
    created: Time('When this value was put'),
  },
  { $id: 'Secret' },
);
export type Secret = Static<typeof Secret>;

export const ErrorBody = Type.Object(
  {
    request_id: Type.String(),
    error_code: Type.Optional(Type.String({ description: 'A code of docs/errors.md' })),
    message: Type.String(),
    details: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
  },
  { $id: 'Error' },
);
export type ErrorBody = Static<typeof ErrorBody>;

export const SystemMetadata = Type.Object({ commit: Type.String(), semver: Type.String() }, { $id: 'GetSystemMetadataResponse' });
export type SystemMetadata = Static<typeof SystemMetadata>;
export const SystemPreferences = Type.Object(
  { bootstrap_token_created: Type.Boolean(), ignore_pipeline_run_events: Type.Boolean() },
  { $id: 'GetSystemPreferencesResponse' },
);
export type SystemPreferences = Static<typeof SystemPreferences>;
