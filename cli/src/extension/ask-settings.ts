import { GoferError } from '@gofer/contracts';
import type { Parameter } from '@gofer/contracts/api';
import type { GoferContext } from '../gofer-context.ts';
import { withQuestions } from '../input/with-questions.ts';
import { toSafeLine, toSafeText } from '../output/sanitise.ts';
import { askHidden } from '../secrets/ask-hidden.ts';

const SECRET_LOOKING = /secret|token|password|passwd|credential|private|(?:^|[_-])(?:key|pass|pem)$/iu;

/** Whether what is typed for it is not to be seen. */
export function looksSecret(key: string): boolean {
  return SECRET_LOOKING.test(key);
}

/** Throws `INVALID_ARGUMENT` where there is no terminal to ask on; `instead` says what to do then. */
export function checkTerminal({ stdin }: Pick<GoferContext, 'stdin'>, instead: string): void {
  if (stdin.isTTY !== true)
    throw new GoferError('INVALID_ARGUMENT', `--interactive asks on a terminal, and there is none here: ${instead}`);
}

/** Without those that have a value already: keys compare as extensions compare them, whatever their case. */
export function unanswered(parameters: readonly Parameter[], given: Readonly<Record<string, string>>): Parameter[] {
  const known = new Set(Object.keys(given).map((key) => key.toUpperCase()));
  return parameters.filter(({ key }) => !known.has(key.toUpperCase()));
}

/** Asks for each with what the extension says of it; one that is not required may be left empty, and is then left out. */
export async function askParameters(context: GoferContext, parameters: readonly Parameter[]): Promise<Record<string, string>> {
  const { stderr, errorColours } = context;
  const answers: [string, string][] = [];
  for (const { key, required, documentation } of parameters) {
    const label = required ? errorColours.yellow('required') : errorColours.dim('may be left empty');
    stderr.write(`\n${errorColours.bold(toSafeLine(key))} (${label})\n`);
    if (documentation.trim() !== '') stderr.write(`  ${toSafeText(documentation.trim()).replaceAll('\n', '\n  ')}\n`);
    const value = await askOne(context, key, required);
    if (value !== '') answers.push([key, value]);
  }
  return Object.fromEntries(answers);
}

async function askOne(context: GoferContext, key: string, required: boolean): Promise<string> {
  const name = toSafeLine(key);
  for (;;) {
    const value = looksSecret(key)
      ? (await askHidden(context, `${name} (nothing is shown): `, 'Give them by KEY=@FILE')).trim()
      : await withQuestions(context, (ask) => ask(`${name}: `));
    if (value !== '' || !required) return value;
    context.stderr.write(`  ${context.errorColours.yellow('it is required; Ctrl-C stops')}\n`);
  }
}

/** Asks for settings that nobody has documented yet, one `KEY=VALUE` a line, until a line is empty. */
export function askPairs(context: GoferContext, introduction: string): Promise<string[]> {
  context.stderr.write(`${introduction}\n`);
  return withQuestions(context, async (ask) => {
    const pairs: string[] = [];
    for (;;) {
      const line = await ask('KEY=VALUE: ');
      if (line === '') return pairs;
      if (line.indexOf('=') > 0) pairs.push(line);
      else context.stderr.write(`  ${context.errorColours.yellow('must be KEY=VALUE or KEY=@FILE; an empty line ends it')}\n`);
    }
  });
}
