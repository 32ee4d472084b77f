/** Requests and responses of the v0 wire by v0's names: envelopes around the resources. */
import type { Static } from 'typebox';
import * as Type from 'typebox';
import { PIPELINE_RELIABILITY_REQUEST, TASK_RELIABILITY_REQUEST } from './reliability.ts';
import {
  ConfigSubscription,
  Deployment,
  Event,
  LogSummary,
  Namespace,
  Pipeline,
  PipelineConfig,
  PipelineMetadata,
  PipelineState,
  RegistryAuth,
  Run,
  Secret,
  StoredObject,
  TaskExecution,
} from './resources.ts';

// As long as those of a pipeline.
const NamespaceName = Type.String({ maxLength: 512 });
const NamespaceDescription = Type.String({ maxLength: 16_384 });
export const ListNamespacesResponse = Type.Object({ namespaces: Type.Array(Namespace) }, { $id: 'ListNamespacesResponse' });
export const CreateNamespaceRequest = Type.Object(
  {
    id: Type.String({ description: '3 to 32 of `[a-zA-Z0-9-]`' }),
    name: NamespaceName,
    description: NamespaceDescription,
  },
  { $id: 'CreateNamespaceRequest' },
);
export const UpdateNamespaceRequest = Type.Object(
  {
    name: Type.Optional(Type.Union([NamespaceName, Type.Null()])),
    description: Type.Optional(Type.Union([NamespaceDescription, Type.Null()])),
  },
  { $id: 'UpdateNamespaceRequest' },
);
export const CreateNamespaceResponse = Type.Object({ namespace: Namespace }, { $id: 'CreateNamespaceResponse' });
export const GetNamespaceResponse = Type.Object({ namespace: Namespace }, { $id: 'GetNamespaceResponse' });
export const UpdateNamespaceResponse = Type.Object({ namespace: Namespace }, { $id: 'UpdateNamespaceResponse' });

export const ListPipelinesResponse = Type.Object({ pipelines: Type.Array(PipelineMetadata) }, { $id: 'ListPipelinesResponse' });
export const GetPipelineResponse = Type.Object({ pipeline: PipelineMetadata }, { $id: 'GetPipelineResponse' });
export const UpdatePipelineRequest = Type.Object(
  {
    state: Type.Optional(
      Type.Union([PipelineState, Type.Null()], {
        description: '`active` or `disabled`; absent or null changes nothing',
      }),
    ),
  },
  { $id: 'UpdatePipelineRequest' },
);

const Definition = Type.Object(
  {
    id: Type.String({
      description: "The same as the pipeline's id in the path",
    }),
    name: Type.String(),
    description: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    parallelism: Type.Integer({
      minimum: 0,
      description: "How many runs at once; 0: the server's limit",
    }),
    tasks: Type.Array(
      Type.Object({
        id: Type.String({ description: '1 to 63 of `[a-zA-Z0-9_-]`' }),
        description: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        image: Type.String(),
        registry_auth: Type.Optional(Type.Union([RegistryAuth, Type.Null()])),
        depends_on: Type.Record(
          Type.String(),
          Type.Unsafe<string>({
            type: 'string',
            enum: ['Unknown', 'Any', 'Success', 'Failure'],
          }),
        ),
        variables: Type.Record(Type.String(), Type.String()),
        entrypoint: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
        command: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
        inject_api_token: Type.Boolean(),
        always_pull_newest_image: Type.Boolean(),
        ...TASK_RELIABILITY_REQUEST,
      }),
    ),
    ...PIPELINE_RELIABILITY_REQUEST,
    subscriptions: Type.Optional(
      Type.Union([
        Type.Array(ConfigSubscription, { description: 'Subscriptions that the code keeps; `gofer up` makes, changes and removes them' }),
        Type.Null(),
      ]),
    ),
  },
  {
    $id: 'PipelineDefinition',
    description: "What a pipeline program prints: the SDK's JSON",
  },
);
/** `config` is of any shape as far as its type goes: who registers passes on what a program printed, and the service reports every fault. */
export const RegisterPipelineConfigRequest = Type.Object(
  { config: Type.Unsafe<unknown>(Definition) },
  { $id: 'RegisterPipelineConfigRequest' },
);
export const RegisterPipelineConfigResponse = Type.Object({ pipeline: Pipeline }, { $id: 'RegisterPipelineConfigResponse' });
export const ListPipelineConfigsResponse = Type.Object({ configs: Type.Array(PipelineConfig) }, { $id: 'ListPipelineConfigsResponse' });
export const GetPipelineConfigResponse = Type.Object({ config: PipelineConfig }, { $id: 'GetPipelineConfigResponse' });
export const DeployPipelineConfigResponse = Type.Object({ deployment: Deployment }, { $id: 'DeployPipelineConfigResponse' });

export const ListDeploymentsResponse = Type.Object({ deployments: Type.Array(Deployment) }, { $id: 'ListDeploymentsResponse' });
export const GetDeploymentResponse = Type.Object({ deployment: Deployment }, { $id: 'GetDeploymentResponse' });

export const ListRunsResponse = Type.Object({ runs: Type.Array(Run) }, { $id: 'ListRunsResponse' });
export const StartRunRequest = Type.Object(
  {
    variables: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        maxProperties: 1000,
        description: 'Run options by key',
      }),
    ),
  },
  { $id: 'StartRunRequest' },
);
export const StartRunResponse = Type.Object({ run: Run }, { $id: 'StartRunResponse' });
export const RetryRunRequest = Type.Object(
  {
    from_failed: Type.Optional(
      Type.Boolean({ description: 'Take over the results of successful tasks, and the objects of the run; default false' }),
    ),
    version: Type.Optional(
      Type.Union([Type.Literal('same'), Type.Literal('live'), Type.Integer({ minimum: 1 })], {
        description: 'Which configuration it gets; default `same`',
      }),
    ),
  },
  { $id: 'RetryRunRequest' },
);
export const RetryRunResponse = Type.Object({ run: Run }, { $id: 'RetryRunResponse' });
export const CancelRunsResponse = Type.Object(
  { run_ids: Type.Array(Type.Integer({ minimum: 1 }), { description: 'The runs that had not ended' }) },
  { $id: 'CancelRunsResponse' },
);
export const GetRunResponse = Type.Object({ run: Run }, { $id: 'GetRunResponse' });

export const ListTaskExecutionsResponse = Type.Object(
  { task_executions: Type.Array(TaskExecution) },
  { $id: 'ListTaskExecutionsResponse' },
);
export const GetTaskExecutionResponse = Type.Object({ task_execution: TaskExecution }, { $id: 'GetTaskExecutionResponse' });

export const ListPipelineObjectsResponse = Type.Object({ objects: Type.Array(StoredObject) }, { $id: 'ListPipelineObjectsResponse' });
export const ListRunObjectsResponse = Type.Object({ objects: Type.Array(StoredObject) }, { $id: 'ListRunObjectsResponse' });
export const PutPipelineObjectResponse = Type.Object({ object: StoredObject }, { $id: 'PutPipelineObjectResponse' });
export const PutRunObjectResponse = Type.Object({ object: StoredObject }, { $id: 'PutRunObjectResponse' });

const SecretContent = Type.String({ description: 'The value: 1 to 1,048,576 bytes of UTF-8' });
const SecretKey = Type.String({ description: '1 to 63 of `[a-zA-Z0-9_-]`' });
const Force = Type.Optional(Type.Boolean({ description: 'Replace the value where there is one; default false' }));
export const PutPipelineSecretRequest = Type.Object(
  { key: SecretKey, content: SecretContent, force: Force },
  { $id: 'PutPipelineSecretRequest' },
);
export const PutGlobalSecretRequest = Type.Object(
  {
    key: SecretKey,
    content: SecretContent,
    namespaces: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
      minItems: 1,
      maxItems: 64,
      description: 'Regular expressions (RE2), one of which must match the whole id of a namespace whose tasks may use it',
    }),
    force: Force,
  },
  { $id: 'PutGlobalSecretRequest' },
);
const SecretAnswer = {
  metadata: Secret,
  secret: Type.Union([Type.String(), Type.Null()], { description: 'The value where it was asked for, else null' }),
};
export const ListPipelineSecretsResponse = Type.Object({ secrets: Type.Array(Secret) }, { $id: 'ListPipelineSecretsResponse' });
export const ListGlobalSecretsResponse = Type.Object({ secrets: Type.Array(Secret) }, { $id: 'ListGlobalSecretsResponse' });
export const GetPipelineSecretResponse = Type.Object(SecretAnswer, { $id: 'GetPipelineSecretResponse' });
export const GetGlobalSecretResponse = Type.Object(SecretAnswer, { $id: 'GetGlobalSecretResponse' });
export const PutPipelineSecretResponse = Type.Object({ secret: Secret }, { $id: 'PutPipelineSecretResponse' });
export const PutGlobalSecretResponse = Type.Object({ secret: Secret }, { $id: 'PutGlobalSecretResponse' });
export const RotateSecretKeyResponse = Type.Object(
  { encrypted: Type.Integer({ minimum: 0, description: 'Values that are encrypted with the current key now: all of them' }) },
  { $id: 'RotateSecretKeyResponse' },
);

export const GetEventResponse = Type.Object({ event: Event }, { $id: 'GetEventResponse' });

export const UpdateSystemPreferencesRequest = Type.Object(
  {
    ignore_pipeline_run_events: Type.Optional(
      Type.Union([Type.Boolean(), Type.Null()], {
        description: 'True: no run starts; each attempt is answered with 503',
      }),
    ),
  },
  { $id: 'UpdateSystemPreferencesRequest' },
);
export const UpdateSystemPreferencesResponse = Type.Object({}, { $id: 'UpdateSystemPreferencesResponse' });

/** The WebSocket sub-protocol that carries a log in batches: each Text frame is one `LogMessage` as JSON. */
export const LOGS_PROTOCOL = 'gofer.logs.v1' as const;
export const LogMessage = Type.Object(
  {
    cursor: Type.String({
      description: 'Where this batch ends; `?after=` it resumes behind it. Opaque, good across restarts of the server',
    }),
    firstLine: Type.Integer({ minimum: 0, description: 'The number of the first line, counted from 0' }),
    lines: Type.Array(
      Type.Object({
        stream: Type.Unsafe<'stdout' | 'stderr' | 'gofer'>({
          type: 'string',
          enum: ['stdout', 'stderr', 'gofer'],
          description: "`gofer`: words of the server's own, such as why an image could not be pulled",
        }),
        time: Type.Integer({ minimum: 0, description: 'Epoch milliseconds' }),
        text: Type.String({ description: 'Without its line feed; U+FFFD stands for what is not UTF-8' }),
        number: Type.Optional(
          Type.Integer({
            minimum: 0,
            description: "The line's number, counted from 0, where the request selects lines that need not follow each other",
          }),
        ),
        continued: Type.Optional(
          Type.Boolean({ description: 'The next piece of this stream belongs to the same line, which is longer than 1 MiB' }),
        ),
      }),
    ),
    end: Type.Optional(
      Type.Object(
        {
          attempt: Type.Integer({ minimum: 1 }),
          lines: Type.Integer({ minimum: 0, description: 'That are there' }),
          bytes: Type.Integer({ minimum: 0, description: 'That are there' }),
          seal: Type.Optional(LogSummary),
        },
        { description: "With no lines: an attempt's log ends here, or what there is of it now; `seal` is absent while it is written" },
      ),
    ),
  },
  { $id: 'LogMessage' },
);
export type LogMessage = Static<typeof LogMessage>;

/**
 * The WebSocket sub-protocol of a command inside a task: Binary frames are the bytes of its input and output as they are, each Text frame is
 * one `AttachMessage` as JSON.
 */
export const ATTACH_PROTOCOL = 'gofer.attach.v1' as const;
/** Of a terminal; more does not fit into the kernel's `winsize`. */
const TerminalSide = Type.Integer({ minimum: 1, maximum: 65_535 });
const kind = <Kind extends string>(value: Kind, description: string) => Type.Unsafe<Kind>({ type: 'string', enum: [value], description });
/** What a client says beside the bytes. */
export const AttachControl = Type.Union([
  Type.Object({
    kind: kind('resize', "From the client: the size of its terminal. The first one may come before the command's first output"),
    columns: TerminalSide,
    rows: TerminalSide,
  }),
  Type.Object({
    kind: kind('end', 'From the client: the end of the input. A terminal has no end, only the key for it, and does not hear of it'),
  }),
]);
export type AttachControl = Static<typeof AttachControl>;
/** What the server says beside the bytes. */
export const AttachReport = Type.Union([
  Type.Object({
    kind: kind('stream', 'From the server: the Binary frames that follow are of this stream; those before the first are of stdout'),
    stream: Type.Unsafe<'stdout' | 'stderr'>({ type: 'string', enum: ['stdout', 'stderr'] }),
  }),
  Type.Object({
    kind: kind('exit', 'From the server, at last: the command has ended. A closure without it: the task has, or the connection'),
    exit_code: Type.Integer({ minimum: 0, maximum: 255 }),
  }),
]);
export type AttachReport = Static<typeof AttachReport>;
export const AttachMessage = Type.Union([...AttachControl.anyOf, ...AttachReport.anyOf], { $id: 'AttachMessage' });
export type AttachMessage = Static<typeof AttachMessage>;
