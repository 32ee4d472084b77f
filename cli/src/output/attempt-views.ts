import type { Attempt } from '@gofer/contracts/api';
import { describeReason, describeWords } from './describe-reason.ts';
import { type Presentation, paintStatus } from './presentation.ts';
import { toSafeLine } from './sanitise.ts';
import { renderTable } from './table.ts';
import { formatDuration, formatTime } from './times.ts';

/** A row an attempt: its number, how it stands or ended, how long it took and why it ended so; then what was heard of it too late. */
export function renderAttempts(attempts: readonly Attempt[], { colours, detail, now }: Presentation): string {
  if (attempts.length === 0) return '';
  const rows = attempts.map((attempt) => [
    `  attempt ${attempt.attempt}`,
    { painted: paintStatus(attempt.state === 'complete' ? attempt.status : attempt.state, colours) },
    attempt.exit_code === null ? '' : `exit ${attempt.exit_code}`,
    formatDuration(attempt.started, attempt.ended, now),
    describeEnd(attempt),
    ...(detail ? [`${attempt.engine} ${attempt.id}`] : []),
  ]);
  const late = attempts.flatMap(({ attempt, late: heard }) => {
    if (heard === undefined) return [];
    const code = heard.exit_code === undefined ? '' : ` (exit code ${heard.exit_code})`;
    const told = `attempt ${attempt}, heard ${formatTime(heard.seen, { now, exact: detail })}, after its end was decided: ${heard.description}${code}`;
    return [`  ${colours.yellow(`! ${toSafeLine(told)}`)}\n`];
  });
  return renderTable([], rows, colours) + late.join('');
}

function describeEnd({ status_reason }: Attempt): string {
  return status_reason === undefined ? '' : `${describeReason({ status_reason })} [${describeWords(status_reason)}]`;
}
