import { AuditList } from './audit/audit-list.ts';
import { Context } from './context.ts';
import { EventGet } from './event/event-get.ts';
import { EventList } from './event/event-list.ts';
import { ExtensionDebug } from './extension/extension-debug.ts';
import { ExtensionDeliveries } from './extension/extension-deliveries.ts';
import { ExtensionDisable } from './extension/extension-disable.ts';
import { ExtensionEnable } from './extension/extension-enable.ts';
import { ExtensionGet } from './extension/extension-get.ts';
import { ExtensionInstall } from './extension/extension-install.ts';
import { ExtensionList } from './extension/extension-list.ts';
import { ExtensionLogs } from './extension/extension-logs.ts';
import { ExtensionNew } from './extension/extension-new.ts';
import { ExtensionRedeliver } from './extension/extension-redeliver.ts';
import { ExtensionUninstall } from './extension/extension-uninstall.ts';
import { ExtensionUpgrade } from './extension/extension-upgrade.ts';
import { Fetch } from './fetch.ts';
import { Login } from './login.ts';
import { Logout } from './logout.ts';
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
import { PipelineObjectDelete } from './pipeline/pipeline-object-delete.ts';
import { PipelineObjectGet } from './pipeline/pipeline-object-get.ts';
import { PipelineObjectList } from './pipeline/pipeline-object-list.ts';
import { PipelineObjectPut } from './pipeline/pipeline-object-put.ts';
import { RoleCreate } from './role/role-create.ts';
import { RoleDelete } from './role/role-delete.ts';
import { RoleGet } from './role/role-get.ts';
import { RoleList } from './role/role-list.ts';
import { RoleUpdate } from './role/role-update.ts';
import { RunCancel } from './run/run-cancel.ts';
import { RunDelete } from './run/run-delete.ts';
import { RunGet } from './run/run-get.ts';
import { RunList } from './run/run-list.ts';
import { RunLogs } from './run/run-logs.ts';
import { RunObjectDelete } from './run/run-object-delete.ts';
import { RunObjectGet } from './run/run-object-get.ts';
import { RunObjectList } from './run/run-object-list.ts';
import { RunObjectPut } from './run/run-object-put.ts';
import { RunRetry } from './run/run-retry.ts';
import { RunStart } from './run/run-start.ts';
import { RunWhy } from './run/run-why.ts';
import { SecretGlobalDelete } from './secret/secret-global-delete.ts';
import { SecretGlobalGet } from './secret/secret-global-get.ts';
import { SecretGlobalList } from './secret/secret-global-list.ts';
import { SecretGlobalPut } from './secret/secret-global-put.ts';
import { SecretPipelineDelete } from './secret/secret-pipeline-delete.ts';
import { SecretPipelineGet } from './secret/secret-pipeline-get.ts';
import { SecretPipelineList } from './secret/secret-pipeline-list.ts';
import { SecretPipelinePut } from './secret/secret-pipeline-put.ts';
import { ServiceBackup } from './service/service-backup.ts';
import { ServiceCheck } from './service/service-check.ts';
import { ServiceInitConfig } from './service/service-init-config.ts';
import { ServiceRestore } from './service/service-restore.ts';
import { ServiceRotateSecretKey } from './service/service-rotate-secret-key.ts';
import { ServiceStart } from './service/service-start.ts';
import { ServiceToggleEventIngress } from './service/service-toggle-event-ingress.ts';
import { SubscriptionCreate } from './subscription/subscription-create.ts';
import { SubscriptionDelete } from './subscription/subscription-delete.ts';
import { SubscriptionDisable } from './subscription/subscription-disable.ts';
import { SubscriptionEnable } from './subscription/subscription-enable.ts';
import { SubscriptionGet } from './subscription/subscription-get.ts';
import { SubscriptionList } from './subscription/subscription-list.ts';
import { SubscriptionUpdate } from './subscription/subscription-update.ts';
import { TaskAttach } from './task/task-attach.ts';
import { TaskCancel } from './task/task-cancel.ts';
import { TaskGet } from './task/task-get.ts';
import { TaskList } from './task/task-list.ts';
import { TaskLogs } from './task/task-logs.ts';
import { TokenBootstrap } from './token/token-bootstrap.ts';
import { TokenCreate } from './token/token-create.ts';
import { TokenDelete } from './token/token-delete.ts';
import { TokenDisable } from './token/token-disable.ts';
import { TokenEnable } from './token/token-enable.ts';
import { TokenGet } from './token/token-get.ts';
import { TokenList } from './token/token-list.ts';
import { TokenWhoami } from './token/token-whoami.ts';
import { Up } from './up.ts';

/** Every command, in the order in which the help shows them. */
export const COMMANDS = [
  Up,
  Fetch,
  Context,
  Login,
  Logout,
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
  RunWhy,
  RunLogs,
  RunCancel,
  RunRetry,
  RunDelete,
  TaskList,
  TaskGet,
  TaskLogs,
  TaskAttach,
  TaskCancel,
  SubscriptionCreate,
  SubscriptionDelete,
  SubscriptionList,
  SubscriptionGet,
  SubscriptionUpdate,
  SubscriptionEnable,
  SubscriptionDisable,
  ExtensionInstall,
  ExtensionList,
  ExtensionGet,
  ExtensionLogs,
  ExtensionUpgrade,
  ExtensionEnable,
  ExtensionDisable,
  ExtensionUninstall,
  ExtensionDebug,
  ExtensionDeliveries,
  ExtensionRedeliver,
  ExtensionNew,
  PipelineObjectList,
  PipelineObjectGet,
  PipelineObjectPut,
  PipelineObjectDelete,
  RunObjectList,
  RunObjectGet,
  RunObjectPut,
  RunObjectDelete,
  SecretPipelineList,
  SecretPipelineGet,
  SecretPipelinePut,
  SecretPipelineDelete,
  SecretGlobalList,
  SecretGlobalGet,
  SecretGlobalPut,
  SecretGlobalDelete,
  NamespaceList,
  NamespaceGet,
  NamespaceCreate,
  NamespaceUpdate,
  NamespaceDelete,
  EventList,
  EventGet,
  TokenBootstrap,
  TokenWhoami,
  TokenList,
  TokenGet,
  TokenCreate,
  TokenEnable,
  TokenDisable,
  TokenDelete,
  RoleList,
  RoleGet,
  RoleCreate,
  RoleUpdate,
  RoleDelete,
  AuditList,
  ServiceStart,
  ServiceInitConfig,
  ServiceBackup,
  ServiceRestore,
  ServiceCheck,
  ServiceRotateSecretKey,
  ServiceToggleEventIngress,
] as const;
