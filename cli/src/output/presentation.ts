import pc from 'picocolors';

/** The colours of this output: each function leaves its text alone where colours are off. */
export type Colours = ReturnType<typeof pc.createColors>;

/** How a view is to look: what every rendering function needs beside the resource. */
export interface Presentation {
  readonly colours: Colours;
  /** Exact times and more fields. */
  readonly detail: boolean;
  /** Epoch milliseconds that relative times refer to. */
  readonly now: number;
}

/**
 * Colours where the output is a terminal. `NO_COLOR` (https://no-color.org) and `FORCE_COLOR` have the say over the terminal, and the flag over both.
 */
export function createColours(options: {
  flag?: boolean | undefined;
  environment: Readonly<Record<string, string | undefined>>;
  isTerminal: boolean;
}): Colours {
  return pc.createColors(wantsColours(options));
}

function wantsColours({ flag, environment, isTerminal }: Parameters<typeof createColours>[0]): boolean {
  if (flag !== undefined) return flag;
  if ((environment.NO_COLOR ?? '') !== '') return false;
  const forced = environment.FORCE_COLOR;
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return isTerminal && environment.TERM !== 'dumb';
}

/** A state or status in the colour that people expect. */
export function paintStatus(word: string, colours: Colours): string {
  switch (word.toLowerCase()) {
    case 'successful':
    case 'active':
    case 'live':
    case 'complete':
    case 'healthy':
    case 'delivered':
      return colours.green(word);
    case 'failed':
    case 'disabled':
    case 'error':
    case 'unhealthy':
    case 'refused':
      return colours.red(word);
    case 'cancelled':
    case 'deprecated':
    case 'expired':
    case 'exited':
      return colours.yellow(word);
    case 'running':
    case 'processing':
    case 'pending':
      return colours.cyan(word);
    default:
      return colours.dim(word);
  }
}
