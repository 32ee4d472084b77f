/** A command without a task: it gives back what it is sent, and does as some of it says. */
import { setImmediate } from 'node:timers/promises';
import { type ExecInput, type ExecOutput, GoferError } from '@gofer/contracts';
import type { AttachSession } from '../services/services.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

/**
 * `exit N` ends it, `fail` breaks it, `task` ends its task, `flood` makes it write for ever; what follows `err ` goes to standard error, a
 * size is written as `COLUMNSxROWS`, the end of the input as `end`. `taken` is told of each piece of its input and of its output, and of its end.
 */
export function memorySession(taken: (what: 'input' | 'output' | 'ended') => void): AttachSession {
  return {
    async *run(input, signal) {
      try {
        const aborted = new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(new GoferError('CANCELLED', 'The caller gave up.')));
        });
        aborted.catch(() => undefined);
        const iterator = input[Symbol.asyncIterator]();
        for (;;) {
          const next = await Promise.race([iterator.next(), aborted]);
          taken('input');
          const answer = next.done === true ? bytes('end') : answerTo(next.value);
          const text = Buffer.from(answer).toString('latin1').trim();
          if (text === 'fail') throw new GoferError('UNAVAILABLE', 'The engine went away.');
          if (text === 'task') return;
          const [, code] = /^exit (\d+)$/.exec(text) ?? [];
          if (code !== undefined) return yield { kind: 'exit', exitCode: Number(code) };
          const stream = text.startsWith('err ') ? 'stderr' : 'stdout';
          yield { kind: 'data', stream, bytes: answer };
          if (text !== 'flood') {
            if (next.done === true) await aborted;
            continue;
          }
          for (;;) {
            taken('output');
            yield { kind: 'data', stream, bytes: new Uint8Array(100_000) };
            await Promise.race([setImmediate(), aborted]);
          }
        }
      } finally {
        taken('ended');
      }
    },
  };
}

function answerTo(item: ExecInput): Extract<ExecOutput, { kind: 'data' }>['bytes'] {
  return item.kind === 'data' ? item.bytes : bytes(`${item.columns}x${item.rows}`);
}
