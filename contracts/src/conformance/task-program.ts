/**
 * What the suite lets a task do, as data: a back end that can run `/bin/sh` takes `shellProgram`, any other translates the steps into
 * an image, an entrypoint and a command of its own. Steps run in order; a program that reaches its end exits with 0.
 */
export type ProgramStep =
  /** Writes these bytes, nothing added. */
  | {
      readonly do: 'print';
      readonly stream: 'stdout' | 'stderr';
      readonly bytes: Uint8Array;
    }
  /** Writes `line 1\n` to `line <count>\n`. */
  | {
      readonly do: 'lines';
      readonly stream: 'stdout' | 'stderr';
      readonly count: number;
    }
  /** Writes the letter `x` this many times, without a newline. */
  | { readonly do: 'fill'; readonly bytes: number }
  /** Writes every variable of its environment as `NAME=value\n` to standard output, in any order. */
  | { readonly do: 'environment' }
  /** Copies standard input to standard output until it ends (in `exec` only). */
  | { readonly do: 'echo' }
  /** From here on SIGTERM is ignored. */
  | { readonly do: 'ignore-term' }
  /** From here on SIGTERM writes these bytes to standard output and exits with this code. */
  | {
      readonly do: 'on-term';
      readonly bytes: Uint8Array;
      readonly exitCode: number;
    }
  | { readonly do: 'sleep'; readonly seconds: number }
  | { readonly do: 'exit'; readonly exitCode: number };

export type TaskProgram = readonly ProgramStep[];

/** How a program is given to a back end. */
export interface TaskCommand {
  readonly entrypoint?: readonly string[];
  readonly command: readonly string[];
}

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const print = (text: string, stream: 'stdout' | 'stderr' = 'stdout'): ProgramStep => ({ do: 'print', stream, bytes: utf8(text) });
export const exit = (exitCode: number): ProgramStep => ({
  do: 'exit',
  exitCode,
});
/** Far longer than any law takes: such a task ends because it is ended. */
export const sleepLong: ProgramStep = { do: 'sleep', seconds: 600 };

/** A program for `/bin/sh` with the usual `env`, `head`, `tr`, `seq`, `cat` and `sleep` (busybox has them). */
export function shellProgram(program: TaskProgram): TaskCommand {
  return {
    entrypoint: ['/bin/sh'],
    command: ['-c', program.map(toShell).join('\n')],
  };
}

function toShell(step: ProgramStep): string {
  switch (step.do) {
    case 'print':
      return printf(step.bytes) + (step.stream === 'stderr' ? ' >&2' : '');
    case 'lines':
      return `seq 1 ${step.count} | sed 's/^/line /'${step.stream === 'stderr' ? ' >&2' : ''}`;
    case 'fill':
      return `head -c ${step.bytes} /dev/zero | tr '\\000' x`;
    case 'environment':
      return 'env';
    case 'echo':
      return 'cat';
    case 'ignore-term':
      return `trap '' TERM`;
    case 'on-term':
      return `trap 'kill $! 2>/dev/null; ${printf(step.bytes).replaceAll("'", `"`)}; exit ${step.exitCode}' TERM`;
    case 'sleep':
      // In the background, so that the shell handles a signal at once; away from the output, which it would hold open.
      return `sleep ${step.seconds} </dev/null >/dev/null 2>&1 &\nwait $!`;
    case 'exit':
      return `exit ${step.exitCode}`;
    default:
      return step satisfies never;
  }
}

function printf(bytes: Uint8Array): string {
  return `printf %b '${Array.from(bytes, (byte) => `\\0${byte.toString(8).padStart(3, '0')}`).join('')}'`;
}
