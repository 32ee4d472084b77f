import type { TaskExecution } from '@gofer/contracts/api';
import { describeReason } from './describe-reason.ts';
import { type Colours, type Presentation, paintStatus } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';
import { renderTable } from './table.ts';
import { formatDuration, formatTime } from './times.ts';

export function renderTasks(tasks: readonly TaskExecution[], { colours, detail, now }: Presentation): string {
  const rows = tasks.map((task) => [
    task.task_id,
    formatTime(task.started, { now, exact: detail, unset: 'not started' }),
    formatTime(task.ended, { now, exact: detail, unset: 'not yet' }),
    formatDuration(task.started, task.ended, now),
    { painted: paintStatus(task.state, colours) },
    { painted: paintStatus(task.status, colours) },
    task.exit_code ?? '-',
    describeReason(task),
  ]);
  return renderTable(['ID', 'STARTED', 'ENDED', 'DURATION', 'STATE', 'STATUS', 'EXIT', 'WHY'], rows, colours);
}

/** The tasks inside a run's view. */
export function renderTaskRows(tasks: readonly TaskExecution[], { colours, now }: Presentation): string {
  if (tasks.length === 0) return '  none yet\n';
  const rows = tasks.map((task) => [
    `  ${task.task_id}`,
    { painted: paintStatus(task.state === 'complete' ? task.status : task.state, colours) },
    formatDuration(task.started, task.ended, now),
    task.exit_code === null ? '' : `exit ${task.exit_code}`,
    describeReason(task),
  ]);
  const warnings = tasks.map((task) => renderWarnings(task, colours, `${task.task_id}: `));
  return renderTable([], rows, colours) + warnings.join('');
}

export function renderTask(task: TaskExecution, { colours, detail, now }: Presentation): string {
  const reason = describeReason(task);
  const facts: [string, string][] = [
    ['Pipeline', task.pipeline_id],
    ['Run', `#${task.run_id}`],
    ['Image', task.task.image],
    ['Exit code', task.exit_code === null ? 'none' : String(task.exit_code)],
    [
      'Started',
      `${formatTime(task.started, { now, exact: detail, unset: 'not started' })}${task.started === 0 ? '' : `, ${task.ended === 0 ? 'going on for' : 'took'} ${formatDuration(task.started, task.ended, now)}`}`,
    ],
    ...(reason === '' ? [] : [[task.state === 'complete' ? 'Reason' : 'Waiting', reason] satisfies [string, string]]),
    ['Log', describeLog(task)],
  ];
  if (detail)
    for (const attempt of task.attempts ?? [])
      facts.push([`Attempt ${attempt.attempt}`, `${attempt.engine} ${attempt.id}: ${attempt.state}, ${attempt.status}`]);
  const width = Math.max(...facts.map(([label]) => label.length));
  const variables = task.variables.map(({ key, value, source }) => [`  ${key}`, value, { painted: colours.dim(toSafeLine(source)) }]);
  return (
    `${colours.bold(`Task ${toSafeLine(task.task_id)}`)} :: ${paintStatus(task.state, colours)} :: ${paintStatus(task.status, colours)}\n\n` +
    facts.map(([label, value]) => `  ${label.padEnd(width)}  ${toSafeLine(value)}\n`).join('') +
    renderWarnings(task, colours) +
    (variables.length === 0 ? '' : `\n${colours.bold('Environment variables')}\n${renderTable([], variables, colours)}`) +
    `\nIts log: ${colours.cyan(`gofer task logs ${toSafeLine(task.pipeline_id)} ${task.run_id} ${toSafeLine(task.task_id)}`)}\n`
  );
}

/** What is worth knowing about a task, each as a line of its own; `of` stands before it. */
function renderWarnings({ warnings = [] }: TaskExecution, colours: Colours, of = ''): string {
  return warnings.map((warning) => `  ${colours.yellow(`! ${toSafeLine(`${of}${warning}`)}`)}\n`).join('');
}

function describeLog({ log, logs_expired, logs_removed }: TaskExecution): string {
  if (logs_expired) return 'expired';
  if (logs_removed) return 'removed';
  if (log === undefined) return 'not complete yet';
  const size = `${count(log.lines, 'line')}, ${count(log.bytes, 'byte')}`;
  return log.complete ? `complete, ${size}` : `not complete (${log.problem ?? 'unknown reason'}), ${size}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
