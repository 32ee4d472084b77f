import { ERROR_TABLE } from '@gofer/contracts';
import type { GoferContext } from '../gofer-context.ts';
import { toSafeLogLine } from '../output/sanitise.ts';
import { writeFully } from '../output/write-fully.ts';
import { followLog, type TaskPath } from './follow-log.ts';

/** Writes one task's log. On a terminal only colours survive of its control sequences; elsewhere the lines are as the task wrote them. */
export async function showTaskLog(context: GoferContext, path: TaskPath, { follow }: { follow: boolean }): Promise<number> {
  const { outputFormat } = await context.settings();
  const stop = new AbortController();
  const remove = context.onSignal('SIGINT', () => stop.abort());
  const onLost = () => void context.stderr.write(`${context.errorColours.yellow('!')} the connection was lost; reconnecting\n`);
  const isTerminal = context.stdout.isTTY === true;
  try {
    for await (const { lines } of followLog(await context.client(), path, { follow, onLost }, stop.signal)) {
      if (outputFormat === 'silent') continue;
      const render = (line: (typeof lines)[number]) => {
        if (outputFormat === 'json')
          return `${JSON.stringify({ task_id: path.task_id, stream: line.stream, time: line.time, text: line.text })}\n`;
        return `${isTerminal ? toSafeLogLine(line.text, { colours: context.colours.isColorSupported }) : line.text}\n`;
      };
      await writeFully(context.stdout, lines.map(render).join(''));
    }
  } finally {
    remove();
  }
  return stop.signal.aborted ? ERROR_TABLE.CANCELLED.exit : 0;
}
