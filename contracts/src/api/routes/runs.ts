import * as Type from 'typebox';
import {
  ATTACH_PROTOCOL,
  AttachMessage,
  CancelRunsResponse,
  GetRunResponse,
  GetTaskExecutionResponse,
  ListRunsResponse,
  ListTaskExecutionsResponse,
  LOGS_PROTOCOL,
  LogMessage,
  RetryRunRequest,
  RetryRunResponse,
  StartRunRequest,
  StartRunResponse,
} from '../messages.ts';
import type { RouteDefinition } from '../route.ts';
import { PageQuery } from './page-query.ts';

const RUNS = '/api/namespaces/{namespace_id}/pipelines/{pipeline_id}/runs';
const RUN = `${RUNS}/{run_id}` as const;
const TASK = `${RUN}/tasks/{task_id}` as const;

const Attempt = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Which attempt, from 1; the latest where absent' }),
);

const WaitQuery = Type.Object({
  wait: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 3600,
      description: 'Answer when the run has ended, or after so many seconds with the run as it is then',
    }),
  ),
});

const CANCEL_QUERY = {
  force: Type.Boolean({ default: false, description: 'End everything at once, the tasks that are marked `always` too' }),
  wait_for: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 86_400,
      description: "Seconds between SIGTERM and SIGKILL; the server's `task_execution_stop_timeout` where absent",
    }),
  ),
};

export const RUN_ROUTES = {
  list_runs: {
    method: 'GET',
    path: RUNS,
    kind: 'json',
    tag: 'Runs',
    summary: "List a pipeline's runs, oldest first",
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines', 'runs'],
      anonymous: true,
    },
    query: Type.Object({
      limit: Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        default: 50,
        description: 'At most so many',
      }),
      offset: Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        default: 0,
        description: 'Leave out the first so many',
      }),
      reverse: Type.Boolean({ default: false, description: 'Newest first' }),
    }),
    status: 200,
    response: ListRunsResponse,
  },
  start_run: {
    method: 'POST',
    path: RUNS,
    kind: 'json',
    tag: 'Runs',
    summary: 'Start a run',
    description: 'Answers as soon as the run is stored: it then waits its turn. With `wait` it answers when the run has ended.',
    permission: {
      action: 'write',
      resources: ['namespaces', 'pipelines', 'runs'],
    },
    query: WaitQuery,
    headers: Type.Object({
      'idempotency-key': Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 255,
          description: 'The same key within one pipeline answers with the same run',
        }),
      ),
      'gofer-delivery-id': Type.Optional(
        Type.String({
          maxLength: 255,
          description:
            'Of an extension: the external event that it starts the run for. Not heeded of others, and for an event that is not its own',
        }),
      ),
    }),
    body: StartRunRequest,
    expensive: true,
    unavailable: 'The pipeline is disabled, or the server starts no runs at present (`ignore_pipeline_run_events`)',
    status: 201,
    response: StartRunResponse,
  },
  get_run: {
    method: 'GET',
    path: RUN,
    kind: 'json',
    tag: 'Runs',
    summary: 'Get a run',
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines', 'runs'],
      anonymous: true,
    },
    query: WaitQuery,
    status: 200,
    response: GetRunResponse,
  },
  cancel_run: {
    method: 'DELETE',
    path: RUN,
    kind: 'json',
    tag: 'Runs',
    summary: 'Cancel a run, or delete one that has ended',
    description:
      'Answers once the cancellation is stored; a run that has ended stays as it is. With `purge` a run that has ended is deleted, with its logs and objects.',
    permission: {
      action: 'delete',
      resources: ['namespaces', 'pipelines', 'runs'],
    },
    query: Type.Object({
      purge: Type.Boolean({ default: false, description: 'Delete the run for good; it must have ended' }),
      ...CANCEL_QUERY,
    }),
    status: 204,
  },
  cancel_runs: {
    method: 'DELETE',
    path: RUNS,
    kind: 'json',
    tag: 'Runs',
    summary: "Cancel all of a pipeline's runs",
    description: 'Those that have not ended, queued ones too. Answers once the cancellation is stored.',
    permission: {
      action: 'delete',
      resources: ['namespaces', 'pipelines', 'runs'],
    },
    query: Type.Object(CANCEL_QUERY),
    status: 200,
    response: CancelRunsResponse,
  },
  retry_run: {
    method: 'POST',
    path: `${RUN}/retry`,
    kind: 'json',
    tag: 'Runs',
    summary: 'Repeat a run that has ended',
    description: 'Starts a new run with the same variables, which links to the earlier one.',
    permission: {
      action: 'write',
      resources: ['namespaces', 'pipelines', 'runs'],
    },
    body: RetryRunRequest,
    expensive: true,
    unavailable: 'The pipeline is disabled, or the server starts no runs at present (`ignore_pipeline_run_events`)',
    status: 201,
    response: RetryRunResponse,
  },
} as const satisfies Record<string, RouteDefinition>;

export const TASK_ROUTES = {
  list_task_executions: {
    method: 'GET',
    path: `${RUN}/tasks`,
    kind: 'json',
    tag: 'Tasks',
    summary: "List a run's task executions",
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines', 'runs', 'task_executions'],
    },
    query: PageQuery,
    status: 200,
    response: ListTaskExecutionsResponse,
  },
  get_task_execution: {
    method: 'GET',
    path: TASK,
    kind: 'json',
    tag: 'Tasks',
    summary: 'Get a task execution',
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines', 'runs', 'task_executions'],
    },
    status: 200,
    response: GetTaskExecutionResponse,
  },
  cancel_task_execution: {
    method: 'DELETE',
    path: TASK,
    kind: 'json',
    tag: 'Tasks',
    summary: 'Cancel a task execution',
    description: 'Answers once the cancellation is stored.',
    permission: {
      action: 'delete',
      resources: ['namespaces', 'pipelines', 'runs'],
    },
    query: Type.Object({
      wait_for: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 86_400,
          description: "Seconds between SIGTERM and SIGKILL; the server's `task_execution_stop_timeout` where absent",
        }),
      ),
    }),
    status: 204,
  },
  get_logs: {
    method: 'GET',
    path: `${TASK}/logs`,
    kind: 'websocket',
    tag: 'Tasks',
    summary: "Follow a task's log",
    description:
      'A WebSocket that closes with 1000 at the end of the log. Without a sub-protocol each Text frame is one line with its line feed; with `gofer.logs.v1` each is a `LogMessage`. A log that does not exist is refused with 404 before the upgrade, one that is gone with 410.',
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines', 'runs', 'task_executions'],
    },
    query: Type.Object({
      after: Type.Optional(
        Type.String({
          maxLength: 256,
          description: 'Resume behind this cursor of an earlier `LogMessage`',
        }),
      ),
      attempt: Attempt,
      tail: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: Number.MAX_SAFE_INTEGER,
          description: 'Of the lines that are selected, the last so many and what follows them; not heeded with `after`',
        }),
      ),
      since: Type.Optional(
        Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Lines that came then or later, epoch milliseconds' }),
      ),
      lines: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 40,
          description: 'Lines of these numbers: `A-B`, `A-` or `A`, counted from 1, both ends included',
        }),
      ),
      stream: Type.Optional(
        Type.String({ minLength: 1, maxLength: 8, description: '`stdout`, `stderr` or `gofer`: lines of that stream' }),
      ),
      grep: Type.Optional(
        Type.String({ minLength: 1, maxLength: 256, description: 'Lines in which this regular expression (RE2) is found' }),
      ),
      timestamps: Type.Boolean({
        default: false,
        description: 'Without a sub-protocol: each line behind the time that it came (RFC 3339, UTC) and a space',
      }),
      follow: Type.Boolean({
        default: true,
        description: "Wait for what is to come until the log's end; else close at what is there",
      }),
    }),
    protocols: { [LOGS_PROTOCOL]: LogMessage },
    status: 101,
  },
  get_logs_raw: {
    method: 'GET',
    path: `${TASK}/logs/raw`,
    kind: 'raw',
    tag: 'Tasks',
    summary: "A task's log as bytes",
    description: 'What is there now, byte for byte. Takes `Range` (one range) and `If-None-Match`; `HEAD` answers with the size.',
    permission: {
      action: 'read',
      resources: ['namespaces', 'pipelines', 'runs', 'task_executions'],
    },
    query: Type.Object({ attempt: Attempt }),
    status: 200,
  },
  attach_task_execution: {
    method: 'GET',
    path: `${TASK}/attach`,
    kind: 'websocket',
    tag: 'Tasks',
    summary: 'Run a command inside a running task',
    description:
      'A WebSocket that closes with 1000 when the command has ended, or the task. The command ends with the connection. Without a sub-protocol each Text frame of the client is a line, to which a carriage return is added, and each Binary frame of the server what the terminal shows. With `gofer.attach.v1` Binary frames are bytes both ways, and each Text frame is an `AttachMessage`. A task that does not run is refused with 409 before the upgrade, an engine that runs no further commands with 400.',
    permission: {
      action: 'write',
      resources: ['namespaces', 'pipelines', 'runs', 'task_executions'],
    },
    query: Type.Object({
      command: Type.Array(Type.String(), {
        default: ['/bin/sh'],
        minItems: 1,
        maxItems: 1000,
        description:
          'The command, given once for each of its words. One that is given once without a sub-protocol is split at its spaces, as version 0 does',
      }),
      tty: Type.Boolean({ default: true, description: 'On a terminal; else with standard output and standard error apart' }),
    }),
    protocols: { [ATTACH_PROTOCOL]: AttachMessage },
    expensive: true,
    audit: { query: ['command'] },
    status: 101,
  },
  delete_logs: {
    method: 'DELETE',
    path: `${TASK}/logs`,
    kind: 'json',
    tag: 'Tasks',
    summary: 'Delete the logs of all attempts of a task that has ended',
    permission: {
      action: 'delete',
      resources: ['namespaces', 'pipelines', 'runs', 'task_executions'],
    },
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;
