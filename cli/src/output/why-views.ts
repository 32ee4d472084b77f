/** Why a run, or a task of it, is where it is: what it waits for, who ends it, or why it has ended. */
import type { Cancellation, Run, TaskExecution, Waiting } from '@gofer/contracts/api';
import { renderAttempts } from './attempt-views.ts';
import { describeCancellation, describeReason, describeWords } from './describe-reason.ts';
import type { Presentation } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';
import { formatDuration, formatTime } from './times.ts';

/** Labels and what stands behind them, not made safe yet. */
export type Facts = readonly (readonly [label: string, value: string])[];

/** What a run's end, or its not having ended, is due to: every task but those that succeeded. */
export function tasksThatMatter(tasks: readonly TaskExecution[]): TaskExecution[] {
  return tasks.filter(({ status }) => status !== 'successful');
}

export function renderWhy(run: Run, tasks: readonly TaskExecution[], presentation: Presentation): string {
  const name = `Run #${run.run_id} of ${run.pipeline_id}`;
  const sections = [
    `${presentation.colours.bold(toSafeLine(`${name} ${describeStand(run, presentation)}`))}\n${renderFacts(factsOfRun(run, presentation))}`,
    ...tasksThatMatter(tasks).map((task) => renderTaskWhy(task, presentation)),
  ];
  return sections.join('\n');
}

function renderTaskWhy(task: TaskExecution, presentation: Presentation): string {
  const { attempts = [] } = task;
  // The only attempt of a task that has ended says what the task says.
  const isTold = attempts.length === 1 && task.state === 'complete' && attempts[0]?.late === undefined;
  return (
    `${presentation.colours.bold(toSafeLine(`Task ${task.task_id} ${describeStand(task, presentation)}`))}\n` +
    renderFacts(factsOfTask(task, presentation)) +
    (isTold ? '' : renderAttempts(attempts, presentation))
  );
}

function describeStand(subject: Run | TaskExecution, { now }: Presentation): string {
  if (subject.state !== 'complete') return `is ${subject.state}`;
  const verb = subject.status === 'failed' ? 'failed' : `was ${subject.status}`;
  return subject.started === 0 ? verb : `${verb} after ${formatDuration(subject.started, subject.ended, now)}`;
}

export function factsOfRun(run: Run, presentation: Presentation): Facts {
  return [...(run.retry_of === undefined ? [] : [['Retry of', `run #${run.retry_of}`] as const]), ...factsOf(run, presentation)];
}

export function factsOfTask(task: TaskExecution, presentation: Presentation): Facts {
  const { taken_from_run: from } = task;
  return [...(from === undefined ? [] : [['Taken over', `from run #${from}, which has its log`] as const]), ...factsOf(task, presentation)];
}

function factsOf(
  subject: {
    readonly waiting?: Waiting;
    readonly waiting_reason?: string;
    readonly cancellation?: Cancellation;
    readonly status_reason: Run['status_reason'] | TaskExecution['status_reason'];
  },
  { now, detail }: Presentation,
): Facts {
  const facts: [string, string][] = [];
  const { waiting, cancellation, status_reason: reason } = subject;
  if (waiting !== undefined) {
    const until = waiting.until === undefined ? '' : `, ${describeDeadline(waiting.until, { now, exact: detail })}`;
    facts.push(
      ['Waiting', waiting.message],
      ['Since', `${formatTime(waiting.since, { now, exact: detail })}${until}`],
      ['Next', waiting.next],
    );
  } else if (subject.waiting_reason !== undefined) facts.push(['Waiting', subject.waiting_reason]);
  if (reason !== null) facts.push(['Reason', `${describeReason({ status_reason: reason })} [${describeWords(reason)}]`]);
  if (cancellation !== undefined) facts.push(['Cancellation', describeCancellation(cancellation, { now, exact: detail })]);
  return facts;
}

/** `at the latest in 59 minutes`; what is due is told of as that, since the server is about to do it. */
function describeDeadline(until: number, times: { now: number; exact: boolean }): string {
  if (times.exact) return `at the latest ${formatTime(until, times)}`;
  return until - times.now < 1_000 ? 'due now' : `at the latest ${formatTime(until, times)}`;
}

/** Two columns, indented; empty where there are no facts. */
export function renderFacts(facts: Facts): string {
  const width = Math.max(0, ...facts.map(([label]) => label.length));
  return facts.map(([label, value]) => `  ${label.padEnd(width)}  ${toSafeLine(value)}\n`).join('');
}
