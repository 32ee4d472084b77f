import { GoferError } from '@gofer/contracts';
import { GLOBAL_FLAGS } from '../global-flags.ts';
import type { Colours } from '../output/presentation.ts';
import { type CommandHelp, describeCommands } from './command-help.ts';

/**
 * The help that these arguments ask for: of a command (`gofer run get -h`), of a group of commands (`gofer run`, `gofer run -h`) or of
 * everything (`gofer`, `gofer -h`, `gofer help`). Undefined where they ask for none.
 */
export function renderHelp(argv: readonly string[], options: { colours: Colours; version: string }): string | undefined {
  const asked = argv[0] === 'help';
  const own = asked ? argv.slice(1) : argv;
  const end = own.indexOf('--');
  const flagged = own.slice(0, end === -1 ? undefined : end).some((argument) => argument === '-h' || argument === '--help');
  const firstFlag = own.findIndex((argument) => argument.startsWith('-') && argument !== '-');
  const words = firstFlag === -1 ? own : own.slice(0, firstFlag);
  const isGroup = words.length === own.length && isGroupPath(words);
  if (!asked && !flagged && !isGroup) return undefined;
  const command = longestMatch(words);
  if (command !== undefined) return renderCommandHelp(command, options.colours);
  const within = describeCommands().filter(({ paths }) => paths.some((path) => words.length > 0 && path.startsWith(`${words.join(' ')} `)));
  if (words.length > 0 && within.length === 0) {
    throw new GoferError('INVALID_ARGUMENT', `there is no command "gofer ${words.join(' ')}"; gofer --help lists them all`);
  }
  return words.length === 0 ? renderAll(options) : renderGroup(words, within, options.colours);
}

function isGroupPath(words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const path = words.join(' ');
  const all = describeCommands().flatMap(({ paths }) => paths);
  return !all.includes(path) && all.some((each) => each.startsWith(`${path} `));
}

function longestMatch(words: readonly string[]): CommandHelp | undefined {
  for (let length = words.length; length > 0; length -= 1) {
    const path = words.slice(0, length).join(' ');
    const found = describeCommands().find(({ paths }) => paths.includes(path));
    if (found !== undefined) return found;
  }
  return undefined;
}

function renderAll({ colours, version }: { colours: Colours; version: string }): string {
  const sections = [
    `${colours.bold('gofer')} ${version}: run short-lived jobs, written as pipelines of containers.\n\n${colours.bold('Usage')}\n  gofer <command> [flags]\n`,
  ];
  const categories = [...new Set(describeCommands().map(({ category }) => category))];
  for (const category of categories) {
    const commands = describeCommands().filter((command) => command.category === category);
    sections.push(
      `${colours.bold(category)}\n${columns(
        commands.map((command) => [command.paths[0] ?? '', command.description]),
        colours,
      )}`,
    );
  }
  sections.push(globalFlags(colours), `Type gofer <command> --help for one command's flags and examples.\n`);
  return sections.join('\n');
}

function renderGroup(words: readonly string[], commands: readonly CommandHelp[], colours: Colours): string {
  const prefix = `${words.join(' ')} `;
  const rows = commands.map((command) => [command.paths.find((path) => path.startsWith(prefix)) ?? '', command.description] as const);
  return `${colours.bold('Usage')}\n  gofer ${words.join(' ')} <command> [flags]\n\n${colours.bold('Commands')}\n${columns(rows, colours)}\nType gofer ${words.join(' ')} <command> --help for one command's flags and examples.\n`;
}

function renderCommandHelp(command: CommandHelp, colours: Colours): string {
  const sections = [`${command.description}\n`, `${colours.bold('Usage')}\n  ${command.usage}\n`];
  const others = command.paths.slice(1);
  if (others.length > 0) sections.push(`${colours.bold('Also')}\n${others.map((path) => `  gofer ${path}\n`).join('')}`);
  if (command.options.length > 0) {
    sections.push(
      `${colours.bold('Flags')}\n${columns(
        command.options.map(({ definition, description }) => [definition, description]),
        colours,
      )}`,
    );
  }
  if (command.details !== '') sections.push(`${indent(command.details.trim())}\n`);
  sections.push(
    `${colours.bold('Examples')}\n${command.examples.map(({ label, command: line }) => `  ${colours.dim(`# ${label}`)}\n  ${line}\n`).join('')}`,
  );
  sections.push(globalFlags(colours));
  return sections.join('\n');
}

function globalFlags(colours: Colours): string {
  const rows = GLOBAL_FLAGS.map(
    ({ flag, placeholder, description }) => [placeholder === undefined ? flag : `${flag} ${placeholder}`, description] as const,
  );
  return `${colours.bold('Flags of every command')}\n${columns(rows, colours)}`;
}

function columns(rows: readonly (readonly [string, string] | readonly string[])[], colours: Colours): string {
  const width = Math.max(...rows.map(([left = '']) => left.length));
  return rows.map(([left = '', right = '']) => `  ${colours.cyan(left.padEnd(width))}  ${right}`.trimEnd() + '\n').join('');
}

/** Text longer than this is hard to read, and many terminals have no more. */
const WIDTH = 100;

/** Indents, and breaks what is one long line; what is laid out by hand stays. */
function indent(text: string): string {
  return text
    .split('\n')
    .flatMap((line) => wrap(line.replace(/^ {6}/u, '').trimEnd()))
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}

function wrap(line: string): string[] {
  if (line.length <= WIDTH || line.startsWith(' ')) return [line];
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > WIDTH) {
      lines.push(current);
      current = word;
    } else {
      current = current === '' ? word : `${current} ${word}`;
    }
  }
  return [...lines, current];
}
