import type { TaskExecution } from '@gofer/contracts/api';
import { renderAttempts } from './attempt-views.ts';
import { describeReason } from './describe-reason.ts';
import { type Colours, type Presentation, paintStatus } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';
import { renderTable } from './table.ts';
import { formatDuration, formatTime } from './times.ts';
import { type Facts, factsOfTask, renderFacts } from './why-views.ts';

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
    describeAttempts(task),
    describeReason(task),
  ]);
  const warnings = tasks.map((task) => renderWarnings(task, colours, `${task.task_id}: `));
  return renderTable([], rows, colours) + warnings.join('');
}

export function renderTask(task: TaskExecution, presentation: Presentation): string {
  const { colours, detail, now } = presentation;
  const facts: Facts = [
    ['Pipeline', task.pipeline_id],
    ['Run', `#${task.run_id}`],
    ['Image', task.task.image],
    ['Exit code', task.exit_code === null ? 'none' : String(task.exit_code)],
    [
      'Started',
      `${formatTime(task.started, { now, exact: detail, unset: 'not started' })}${task.started === 0 ? '' : `, ${task.ended === 0 ? 'going on for' : 'took'} ${formatDuration(task.started, task.ended, now)}`}`,
    ],
    ...factsOfTask(task, presentation),
    ['Log', describeLog(task)],
  ];
  const attempts = renderAttempts(task.attempts ?? [], presentation);
  const logRun = task.taken_from_run ?? task.run_id;
  const variables = task.variables.map(({ key, value, source }) => [`  ${key}`, value, { painted: colours.dim(toSafeLine(source)) }]);
  return (
    `${colours.bold(`Task ${toSafeLine(task.task_id)}`)} :: ${paintStatus(task.state, colours)} :: ${paintStatus(task.status, colours)}\n\n` +
    renderFacts(facts) +
    renderWarnings(task, colours) +
    (attempts === '' ? '' : `\n${colours.bold('Attempts')}\n${attempts}`) +
    (variables.length === 0 ? '' : `\n${colours.bold('Environment variables')}\n${renderTable([], variables, colours)}`) +
    `\nIts log: ${colours.cyan(`gofer task logs ${toSafeLine(task.pipeline_id)} ${logRun} ${toSafeLine(task.task_id)}`)}\n`
  );
}

/** What is worth knowing about a task, each as a line of its own; `of` stands before it. */
function renderWarnings({ warnings = [] }: TaskExecution, colours: Colours, of = ''): string {
  return warnings.map((warning) => `  ${colours.yellow(`! ${toSafeLine(`${of}${warning}`)}`)}\n`).join('');
}

/** Where its result is from, if that is not plain: another run, or not the first attempt. */
function describeAttempts({ taken_from_run: from, attempt = 1 }: TaskExecution): string {
  if (from !== undefined) return `taken over from run #${from}`;
  return attempt > 1 ? `attempt ${attempt}` : '';
}

function describeLog({ taken_from_run: from, log, logs_expired, logs_removed }: TaskExecution): string {
  if (from !== undefined) return `in run #${from}`;
  if (logs_expired) return 'expired';
  if (logs_removed) return 'removed';
  if (log === undefined) return 'not complete yet';
  const size = `${count(log.lines, 'line')}, ${count(log.bytes, 'byte')}`;
  return log.complete ? `complete, ${size}` : `not complete (${log.problem ?? 'unknown reason'}), ${size}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
