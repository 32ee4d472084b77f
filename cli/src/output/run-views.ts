import type { Run, TaskExecution } from '@gofer/contracts/api';
import { describeReason } from './describe-reason.ts';
import { type Presentation, paintStatus } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';
import { renderTable } from './table.ts';
import { renderTaskRows } from './task-views.ts';
import { formatDuration, formatTime } from './times.ts';
import { factsOfRun, renderFacts } from './why-views.ts';

export function renderRuns(runs: readonly Run[], { colours, detail, now }: Presentation): string {
  const rows = runs.map((run) => [
    run.run_id,
    `v${run.pipeline_config_version}`,
    formatTime(run.started, { now, exact: detail }),
    formatTime(run.ended, { now, exact: detail, unset: 'not yet' }),
    formatDuration(run.started, run.ended, now),
    { painted: paintStatus(run.state, colours) },
    { painted: paintStatus(run.status, colours) },
    run.initiator.user,
    describeReason(run),
  ]);
  return renderTable(['ID', 'VERSION', 'STARTED', 'ENDED', 'DURATION', 'STATE', 'STATUS', 'STARTED BY', 'WHY'], rows, colours);
}

export function renderRun(run: Run, tasks: readonly TaskExecution[], presentation: Presentation): string {
  const { colours, detail, now } = presentation;
  const lines = [
    `${colours.bold(`Run #${run.run_id}`)} of ${toSafeLine(run.pipeline_id)} (v${run.pipeline_config_version}) :: ${paintStatus(run.state, colours)} :: ${paintStatus(run.status, colours)}`,
    '',
    `  Started by ${toSafeLine(run.initiator.user)} ${formatTime(run.started, { now, exact: detail })}, ${run.ended === 0 ? 'going on for' : 'took'} ${formatDuration(run.started, run.ended, now)}`,
  ];
  const facts = renderFacts(factsOfRun(run, presentation));
  if (facts !== '') lines.push('', facts.trimEnd());
  for (const { key, value } of run.variables) lines.push(`  ${colours.dim(toSafeLine(`${key}=${value}`))}`);
  lines.push('', colours.bold('Tasks'), renderTaskRows(tasks, presentation));
  return lines.join('\n');
}
