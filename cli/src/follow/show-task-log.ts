import { ERROR_TABLE } from '@gofer/contracts';
import type { GoferContext } from '../gofer-context.ts';
import { toSafeJson, toSafeLogLine } from '../output/sanitise.ts';
import { writeFully } from '../output/write-fully.ts';
import { followLog, type LogQuery, type TaskPath } from './follow-log.ts';
import { describeEnd, type LogEnd } from './log-completeness.ts';

/**
 * Writes one task's log, and at its end on standard error whether it is complete. On a terminal only colours survive of its control sequences; elsewhere the lines are as the task wrote them.
 */
export async function showTaskLog(
  context: GoferContext,
  path: TaskPath,
  { follow, query, timestamps }: { follow: boolean; query: LogQuery; timestamps: boolean },
): Promise<number> {
  const { outputFormat } = await context.settings();
  const stop = new AbortController();
  const remove = context.onSignal('SIGINT', () => stop.abort());
  const onLost = () => void context.stderr.write(`${context.errorColours.yellow('!')} the connection was lost; reconnecting\n`);
  let told: number | undefined;
  const tell = (end: LogEnd) =>
    writeFully(
      context.stderr,
      outputFormat === 'json' ? `${JSON.stringify({ task_id: path.task_id, log: end })}\n` : `${describeEnd(end)}\n`,
    );
  const isTerminal = context.stdout.isTTY === true;
  try {
    for await (const { lines, firstLine, end } of followLog(await context.client(), path, { follow, query, onLost }, stop.signal)) {
      if (outputFormat === 'silent') continue;
      // A connection that broke at the very end is told of it again.
      if (end !== undefined && end.attempt !== told) {
        told = end.attempt;
        await tell(end);
      }
      const render = (line: (typeof lines)[number], index: number) => {
        if (outputFormat === 'json') {
          const { stream, time, text, number = firstLine + index } = line;
          return `${toSafeJson({ task_id: path.task_id, line: number + 1, stream, time, text })}\n`;
        }
        const time = timestamps ? `${new Date(line.time).toISOString()} ` : '';
        return `${time}${isTerminal ? toSafeLogLine(line.text, { colours: context.colours.isColorSupported }) : line.text}\n`;
      };
      await writeFully(context.stdout, lines.map(render).join(''));
    }
  } finally {
    remove();
  }
  return stop.signal.aborted ? ERROR_TABLE.CANCELLED.exit : 0;
}
