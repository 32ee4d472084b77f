/** Every kind of event that there is: v0's catalogue, and no other, since its clients know no other. */
export const EVENT_KINDS = [
  'created_namespace',
  'deleted_namespace',
  'created_pipeline',
  'deleted_pipeline',
  'enabled_pipeline',
  'disabled_pipeline',
  'started_deployment',
  'completed_deployment',
  'queued_run',
  'started_run',
  'completed_run',
  'started_run_cancellation',
  'created_task_execution',
  'started_task_execution',
  'completed_task_execution',
  'started_task_execution_cancellation',
  'installed_extension',
  'uninstalled_extension',
  'enabled_extension',
  'disabled_extension',
  'pipeline_extension_subscription_registered',
  'pipeline_extension_subscription_unregistered',
  'created_role',
  'deleted_role',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export function isEventKind(text: string): text is EventKind {
  return (EVENT_KINDS as readonly string[]).includes(text);
}
