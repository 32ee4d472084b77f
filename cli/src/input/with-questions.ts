import { createInterface } from 'node:readline';
import { GoferError } from '@gofer/contracts';
import type { GoferContext } from '../gofer-context.ts';

/** Resolves with one line without the blanks around it. Rejects with `CANCELLED` at Ctrl-C and Ctrl-D. */
export type Ask = (question: string) => Promise<string>;

/** Asks questions on the terminal, as many as `use` wants to; the output stays free for the result. The terminal is left as it was. */
export async function withQuestions<Result>(
  { stdin, stderr }: Pick<GoferContext, 'stdin' | 'stderr'>,
  use: (ask: Ask) => Promise<Result>,
): Promise<Result> {
  const reader = createInterface({ input: stdin, output: stderr, terminal: true, historySize: 0 });
  // What was pasted at once answers the questions that follow, too.
  const lines: string[] = [];
  const state = { closed: false };
  let wake = () => {};
  reader.on('line', (line) => {
    lines.push(line);
    wake();
  });
  reader.on('SIGINT', () => reader.close());
  reader.on('close', () => {
    state.closed = true;
    wake();
  });
  try {
    return await use(async (question) => {
      reader.setPrompt(question);
      if (!state.closed) reader.prompt();
      while (lines.length === 0 && !state.closed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const line = lines.shift();
      if (line === undefined) throw new GoferError('CANCELLED', 'stopped; nothing was changed');
      return line.trim();
    });
  } finally {
    if (state.closed) stderr.write('\n');
    reader.close();
  }
}
