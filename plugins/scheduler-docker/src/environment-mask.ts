/** The engine's own words without a task's environment: it quotes a variable that it does not accept, value and all. */
import type { TaskSpec } from '@gofer/contracts';
import { EngineError } from './engine-error.ts';

const MASK = '***';
/** A shorter value is hidden only behind its name: alone it would be found in the middle of other words. */
const SHORTEST_ALONE = 4;

/** A refusal of the engine is replaced by one that repeats no variable of the spec; every other error is left as it is. */
export function withoutEnvironment<Failure>(error: Failure, { env }: Pick<TaskSpec, 'env'>): Failure | EngineError {
  if (!(error instanceof EngineError)) return error;
  let message = error.message;
  // The longest first: one value may be a part of another.
  for (const [name, value] of Object.entries(env).toSorted(([, a], [, b]) => b.length - a.length)) {
    // An empty value tells nothing.
    if (value === '') continue;
    for (const text of new Set([value, quoted(value)])) {
      message = message.replaceAll(`${name}=${text}`, () => `${name}=${MASK}`);
      if (value.length >= SHORTEST_ALONE) message = message.replaceAll(text, MASK);
    }
  }
  return message === error.message ? error : new EngineError(error.status, message);
}

/** As it stands in a quoted string of the engine's messages. */
function quoted(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}
