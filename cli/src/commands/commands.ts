import { Context } from './context.ts';
import { EventGet } from './event/event-get.ts';
import { EventList } from './event/event-list.ts';
import { Fetch } from './fetch.ts';
import { NamespaceCreate } from './namespace/namespace-create.ts';
import { NamespaceDelete } from './namespace/namespace-delete.ts';
import { NamespaceGet } from './namespace/namespace-get.ts';
import { NamespaceList } from './namespace/namespace-list.ts';
import { NamespaceUpdate } from './namespace/namespace-update.ts';
import { PipelineConfigDelete } from './pipeline/pipeline-config-delete.ts';
import { PipelineConfigDeploy } from './pipeline/pipeline-config-deploy.ts';
import { PipelineConfigGet } from './pipeline/pipeline-config-get.ts';
import { PipelineConfigList } from './pipeline/pipeline-config-list.ts';
import { PipelineDelete } from './pipeline/pipeline-delete.ts';
import { PipelineDeploymentGet } from './pipeline/pipeline-deployment-get.ts';
import { PipelineDeploymentList } from './pipeline/pipeline-deployment-list.ts';
import { PipelineDisable } from './pipeline/pipeline-disable.ts';
import { PipelineEnable } from './pipeline/pipeline-enable.ts';
import { PipelineGet } from './pipeline/pipeline-get.ts';
import { PipelineList } from './pipeline/pipeline-list.ts';
import { RunCancel } from './run/run-cancel.ts';
import { RunGet } from './run/run-get.ts';
import { RunList } from './run/run-list.ts';
import { RunLogs } from './run/run-logs.ts';
import { RunStart } from './run/run-start.ts';
import { ServiceInitConfig } from './service/service-init-config.ts';
import { ServiceStart } from './service/service-start.ts';
import { TaskCancel } from './task/task-cancel.ts';
import { TaskGet } from './task/task-get.ts';
import { TaskList } from './task/task-list.ts';
import { TaskLogs } from './task/task-logs.ts';
import { Up } from './up.ts';

/** Every command, in the order in which the help shows them. */
export const COMMANDS = [
  Up,
  Fetch,
  Context,
  PipelineList,
  PipelineGet,
  PipelineEnable,
  PipelineDisable,
  PipelineDelete,
  PipelineConfigList,
  PipelineConfigGet,
  PipelineConfigDeploy,
  PipelineConfigDelete,
  PipelineDeploymentList,
  PipelineDeploymentGet,
  RunStart,
  RunList,
  RunGet,
  RunLogs,
  RunCancel,
  TaskList,
  TaskGet,
  TaskLogs,
  TaskCancel,
  NamespaceList,
  NamespaceGet,
  NamespaceCreate,
  NamespaceUpdate,
  NamespaceDelete,
  EventList,
  EventGet,
  ServiceStart,
  ServiceInitConfig,
] as const;
