import { codeOf, isGoferError } from '@gofer/contracts';
import { AnswerError } from '../api/answer-error.ts';
import type { Colours } from './presentation.ts';
import { toSafeText } from './sanitise.ts';

/** For people: what is wrong, each fault with its place, what helps, and with `debug` how it came about. Ends with a newline. */
export function renderError(
  error: unknown,
  { colours, debug, hints = [] }: { colours: Colours; debug: boolean; hints?: readonly string[] },
): string {
  const message = toSafeText(error instanceof Error ? error.message : String(error));
  const lines = [`${colours.red('x')} ${message}`];
  // A message that is about one fault only may hold it already.
  const details = isGoferError(error) ? error.details.filter((fault) => !message.includes(toSafeText(fault.message))) : [];
  for (const { path, message: fault } of details) lines.push(`  ${colours.yellow(toSafeText(path))}: ${toSafeText(fault)}`);
  for (const hint of hints) lines.push(`  ${hint}`);
  if (error instanceof AnswerError && (debug || error.code === 'INTERNAL')) {
    lines.push(
      colours.dim(
        `  ${error.request} → ${error.status} ${error.code}${error.requestId === undefined ? '' : `, request ${error.requestId}`}`,
      ),
    );
  }
  if (!isGoferError(error)) lines.push('  This is a fault of gofer itself; please report it with what --debug prints.');
  if (debug) lines.push(...stacksOf(error).map((stack) => colours.dim(stack)));
  return `${lines.join('\n')}\n`;
}

/** For programs: one line of JSON in the shape of the API's errors. */
export function renderErrorJson(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const details = isGoferError(error) ? error.details : [];
  return `${JSON.stringify({
    error_code: codeOf(error),
    message,
    ...(details.length === 0 ? {} : { details }),
    ...(error instanceof AnswerError && error.requestId !== undefined ? { request_id: error.requestId } : {}),
  })}\n`;
}

function stacksOf(error: unknown): string[] {
  const stacks: string[] = [];
  for (let cause = error; cause instanceof Error && stacks.length < 8; cause = cause.cause)
    stacks.push(toSafeText(cause.stack ?? cause.message));
  return stacks;
}
