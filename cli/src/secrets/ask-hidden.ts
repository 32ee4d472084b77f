import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GoferError } from '@gofer/contracts';
import type { GoferContext } from '../gofer-context.ts';

/**
 * Asks on the terminal for one line of which nothing is shown, not even its length. Rejects with `CANCELLED` at Ctrl-C and Ctrl-D, and with
 * `INVALID_ARGUMENT` where several lines were pasted: the shell would run those behind the first. `remedy` says how to give them then. The
 * terminal is left as it was.
 */
export async function askHidden(
  { stdin, stderr }: Pick<GoferContext, 'stdin' | 'stderr'>,
  question: string,
  remedy: string,
): Promise<string> {
  // Without an output there is nothing that the reader could echo to; that it is for a terminal makes the terminal itself echo nothing.
  const reader = createInterface({ input: stdin, terminal: true, historySize: 0 });
  const lines: string[] = [];
  const answered = Promise.withResolvers<void>();
  reader.on('line', (line) => {
    lines.push(line);
    answered.resolve();
  });
  reader.on('SIGINT', () => reader.close());
  reader.on('close', answered.resolve);
  try {
    stderr.write(question);
    await answered.promise;
    // A paste arrives at once: what is behind its first line is there by now.
    await nextTurn();
    const [line] = lines;
    if (line === undefined) throw new GoferError('CANCELLED', 'stopped; nothing was stored');
    if (lines.length === 1 && reader.line === '') return line;
    throw new GoferError('INVALID_ARGUMENT', `several lines were given, where one was asked for; nothing was stored. ${remedy}`);
  } finally {
    reader.close();
    stderr.write('\n');
  }
}
