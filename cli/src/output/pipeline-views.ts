import type { PipelineConfig, PipelineMetadata, Run, Subscription } from '@gofer/contracts/api';
import { renderGraph } from './graph-view.ts';
import { type Presentation, paintStatus } from './presentation.ts';
import { toSafeLine, toSafeText } from './sanitise.ts';
import { renderPipelineSubscriptions } from './subscription-views.ts';
import { renderTable } from './table.ts';
import { formatDuration, formatTime } from './times.ts';

/** `lastRuns` in the order of the pipelines. */
export function renderPipelines(
  pipelines: readonly PipelineMetadata[],
  lastRuns: readonly (Run | undefined)[],
  { colours, detail, now }: Presentation,
): string {
  if (pipelines.length === 0) return `No pipelines yet. Register one with: ${colours.cyan('gofer up PATH')}\n`;
  const rows = pipelines.map(({ pipeline_id, state, created }, index) => {
    const last = lastRuns[index];
    const status = last === undefined ? '-' : { painted: paintStatus(last.state === 'complete' ? last.status : last.state, colours) };
    const time = (at: number) => formatTime(at, { now, exact: detail });
    return [pipeline_id, { painted: paintStatus(state, colours) }, time(created), time(last?.started ?? 0), status];
  });
  return renderTable(['ID', 'STATE', 'CREATED', 'LAST RUN', 'RESULT'], rows, colours);
}

export interface PipelineOverview {
  readonly metadata: PipelineMetadata;
  readonly config: PipelineConfig | undefined;
  /** Newest first. */
  readonly runs: readonly Run[];
  readonly subscriptions: readonly Subscription[];
}

export function renderPipeline(
  { metadata, config, runs, subscriptions }: PipelineOverview,
  { colours, detail, now }: Presentation,
): string {
  const time = (at: number) => formatTime(at, { now, exact: detail });
  const name = config === undefined ? '' : ` ${config.name}`;
  const version = config === undefined ? ' (no versions)' : ` v${config.version} ${paintStatus(config.state, colours)}`;
  const blocks = [
    `${colours.bold(toSafeLine(`[${metadata.pipeline_id}]${name}`))} :: ${paintStatus(metadata.state, colours)} ::${version}\n`,
  ];
  if (config !== undefined && config.description !== '') blocks.push(`${toSafeText(config.description)}\n`);
  if (config !== undefined) blocks.push(`${colours.bold('Tasks')}\n${renderGraph(Object.values(config.tasks), colours)}`);
  blocks.push(`${colours.bold('Last runs')}\n${runs.length === 0 ? '  none yet\n' : renderRecent(runs, { colours, detail, now })}`);
  if (subscriptions.length > 0) blocks.push(renderPipelineSubscriptions(subscriptions, colours));
  blocks.push(`${colours.dim(`Created ${time(metadata.created)} · Changed ${time(metadata.modified)}`)}\n`);
  return blocks.join('\n');
}

function renderRecent(runs: readonly Run[], { colours, detail, now }: Presentation): string {
  const rows = runs.map((run) => [
    `  #${run.run_id}`,
    formatTime(run.started, { now, exact: detail }),
    `by ${run.initiator.user}`,
    formatDuration(run.started, run.ended, now),
    { painted: paintStatus(run.state === 'complete' ? run.status : run.state, colours) },
  ]);
  return renderTable([], rows, colours);
}
