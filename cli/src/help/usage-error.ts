import { closestName } from '@gofer/config';
import { GoferError, TOKEN_PREFIX } from '@gofer/contracts';
import { GLOBAL_FLAGS } from '../global-flags.ts';
import { type CommandHelp, describeCommands } from './command-help.ts';

/** No command's path has more words. What is behind them may be somebody's secret. */
const LONGEST_PATH = 3;

/**
 * Turns what the parser says about arguments that fit no command into what a person can act on. Other errors come back as they are. The
 * parser's own error is not kept as the cause: it repeats the whole command line.
 */
export function toUsageError(error: unknown, argv: readonly string[]): unknown {
  if (!(error instanceof Error) || !('clipanion' in error)) return error;
  const words = argv.filter((argument) => !argument.startsWith('-'));
  const command = describeCommands().find(({ paths }) =>
    paths.some((path) => words.join(' ') === path || words.join(' ').startsWith(`${path} `)),
  );
  if (command !== undefined) {
    const path = command.paths.find((each) => words.join(' ').startsWith(each)) ?? '';
    const said = reasonOf(error);
    const reason = reasonFor(command, path, said);
    return new GoferError('INVALID_ARGUMENT', `${reason}\n  Usage: ${command.usage}\n  More: gofer ${path} --help`);
  }
  const known = describeCommands().flatMap(({ paths }) => paths);
  const meant = closestCommand(words, known);
  const hint = meant === undefined ? 'gofer --help lists them all' : `did you mean "gofer ${meant}"?`;
  const typed = words.slice(0, LONGEST_PATH).map((word) => (word.startsWith(TOKEN_PREFIX) ? '[redacted]' : word));
  return new GoferError('INVALID_ARGUMENT', `there is no command "gofer ${typed.join(' ')}"; ${hint}`);
}

function reasonFor(command: CommandHelp, path: string, said: string): string {
  if (command.category === 'Secrets' || path === 'login') return withoutWords(said, path);
  if (
    command.options.some(({ definition }) => /^-[cs],/u.test(definition)) &&
    /^(?:Invalid option name|there is an argument too many)/u.test(said)
  )
    return 'there is something too many; a setting goes behind its flag, one each, and a value with spaces needs quotes';
  return withMeantFlag(said, command);
}

function withMeantFlag(reason: string, { options }: CommandHelp): string {
  const [, typed] = /^there is no flag "(--[^"=]+)/u.exec(reason) ?? [];
  if (typed === undefined) return reason;
  const flags = options.flatMap(({ definition }) => definition.match(/--[a-z-]+/gu) ?? []);
  const meant = closestName(typed, [...flags, ...GLOBAL_FLAGS.map(({ flag }) => flag)]);
  return meant === undefined ? reason : `${reason}; did you mean ${meant}?`;
}

/** What is too many, or looks like a flag, may be a part of the value. */
function withoutWords(reason: string, path: string): string {
  if (path === 'login')
    return 'gofer login takes no argument but its flags: the token is asked for, or taken from standard input by --token-stdin';
  if (/^there is no flag |^Invalid option name/u.test(reason)) {
    return 'there is a flag that this command does not have; a value that begins with - goes by @, --file or KEY=VALUE';
  }
  return reason.startsWith('there is an argument too many') ? 'there is an argument too many; a value with spaces needs quotes' : reason;
}

function reasonOf(error: Error): string {
  const candidates = 'candidates' in error && Array.isArray(error.candidates) ? (error.candidates as { reason?: unknown }[]) : [];
  const reasons = [...new Set(candidates.map(({ reason }) => reason).filter((reason) => typeof reason === 'string'))];
  const [reason = error.message.split('\n')[0] ?? ''] = reasons;
  const said = reason.replace(/^Unknown Syntax Error: /u, '').replace(/\.$/u, '');
  return said
    .replace(/^Not enough positional arguments$/u, 'an argument is missing')
    .replace(
      /^Not enough arguments to option (.*)$/u,
      (_, flag: string) => `${flag} needs a value; one that begins with - goes as ${flag.split(',').at(-1)}=-…`,
    )
    .replace(/^Extraneous positional argument \((.*)\)$/u, 'there is an argument too many: $1')
    .replace(/^Unsupported option name \((.*)\)$/u, 'there is no flag $1')
    .replace(/^Invalid option name \("([^"=]+).*"\)$/su, 'there is no flag "$1"');
}

function closestCommand(words: readonly string[], known: readonly string[]): string | undefined {
  for (const length of [3, 2, 1]) {
    if (words.length < length) continue;
    const meant = closestName(
      words.slice(0, length).join(' '),
      known.filter((path) => path.split(' ').length === length),
    );
    if (meant !== undefined) return meant;
  }
  return undefined;
}
