import type { GoferContext } from './gofer-context.ts';

/** Does what may leave something behind: Ctrl-C and SIGTERM abort the signal, and it has the time to clean up. */
export async function untilCancelled<Result>(
  { onSignal }: Pick<GoferContext, 'onSignal'>,
  action: (signal: AbortSignal) => Promise<Result>,
  signals: readonly ('SIGINT' | 'SIGTERM' | 'SIGHUP')[] = ['SIGINT', 'SIGTERM'],
): Promise<Result> {
  const stop = new AbortController();
  const remove = signals.map((name) => onSignal(name, () => stop.abort()));
  try {
    return await action(stop.signal);
  } finally {
    for (const each of remove) each();
  }
}
