import type { ConfigSubscription, Deployment, PipelineConfig } from '@gofer/contracts/api';
import { describePipelineReliability } from './describe-reliability.ts';
import { renderGraph } from './graph-view.ts';
import { type Presentation, paintStatus } from './presentation.ts';
import { toSafeLine, toSafeText } from './sanitise.ts';
import { formatSettings } from './subscription-views.ts';
import { renderTable } from './table.ts';
import { formatDuration, formatTime } from './times.ts';

export function renderConfigs(configs: readonly PipelineConfig[], { colours, detail, now }: Presentation): string {
  const rows = configs.map(({ version, state, tasks, registered, deprecated }) => [
    version,
    { painted: paintStatus(state, colours) },
    Object.keys(tasks).length,
    formatTime(registered, { now, exact: detail }),
    formatTime(deprecated, { now, exact: detail }),
  ]);
  return renderTable(['VERSION', 'STATE', 'TASKS', 'REGISTERED', 'DEPRECATED'], rows, colours);
}

export function renderConfig(config: PipelineConfig, { colours, detail, now }: Presentation): string {
  const time = (at: number) => formatTime(at, { now, exact: detail });
  const parallelism = config.parallelism === 0 ? "the server's limit" : String(config.parallelism);
  return [
    `${colours.bold(toSafeLine(`[${config.pipeline_id}] ${config.name}`))} v${config.version} :: ${paintStatus(config.state, colours)}\n`,
    ...(config.description === '' ? [] : [`${toSafeText(config.description)}\n`]),
    [`Runs at once: ${parallelism}`, ...describePipelineReliability(config)].map((line) => `${toSafeLine(line)}\n`).join(''),
    `${colours.bold('Tasks')}\n${renderGraph(Object.values(config.tasks), colours)}`,
    ...(config.subscriptions === undefined
      ? []
      : [`${colours.bold('Subscriptions')}\n${config.subscriptions.map(describeConfigSubscription).join('')}`]),
    `${colours.dim(`Registered ${time(config.registered)} · Deprecated ${time(config.deprecated)}`)}\n`,
  ].join('\n');
}

function describeConfigSubscription({ extension_id, subscription_id, settings }: ConfigSubscription): string {
  return `  ⟳ ${toSafeLine(`${extension_id}/${subscription_id}`)} ${formatSettings(settings)}`.trimEnd() + '\n';
}

export function renderDeployments(deployments: readonly Deployment[], { colours, detail, now }: Presentation): string {
  const rows = deployments.map((deployment) => [
    deployment.deployment_id,
    describeVersions(deployment),
    formatTime(deployment.started, { now, exact: detail }),
    formatTime(deployment.ended, { now, exact: detail, unset: 'not yet' }),
    { painted: paintStatus(deployment.state, colours) },
    { painted: paintStatus(deployment.status, colours) },
  ]);
  return renderTable(['ID', 'VERSIONS', 'STARTED', 'ENDED', 'STATE', 'STATUS'], rows, colours);
}

export function renderDeployment(deployment: Deployment, { colours, detail, now }: Presentation): string {
  const reason = deployment.status_reason === null ? '' : `  ${toSafeText(deployment.status_reason.description)}\n`;
  return (
    `${colours.bold(`Deployment #${deployment.deployment_id}`)} of ${toSafeLine(deployment.pipeline_id)} :: ` +
    `${paintStatus(deployment.state, colours)} :: ${paintStatus(deployment.status, colours)}\n${reason}` +
    `  Versions  ${describeVersions(deployment)}\n` +
    `  Started   ${formatTime(deployment.started, { now, exact: detail })}, took ${formatDuration(deployment.started, deployment.ended, now)}\n`
  );
}

function describeVersions({ start_version, end_version }: Deployment): string {
  return start_version === end_version ? `v${end_version}` : `v${start_version} → v${end_version}`;
}
