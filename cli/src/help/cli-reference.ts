import { GLOBAL_FLAGS } from '../global-flags.ts';
import { describeCommands } from './command-help.ts';

/** Every command with its flags and examples, as Markdown: docs/cli.md. */
export function cliReference(): string {
  const commands = describeCommands();
  const lines = [
    '# Command line',
    '',
    'Written by `npm run generate:docs` from the commands themselves.',
    '',
    'Every command takes `--output-format json`, which prints the resources of the API (one object a line for streams), and',
    '`--output-format silent`, which prints nothing but errors. Errors go to stderr; [errors.md](errors.md) has the exit codes.',
    '',
    '## Flags of every command',
    '',
    'They may stand anywhere, before the command too.',
    '',
    '| Flag | Meaning |',
    '|---|---|',
    ...GLOBAL_FLAGS.map(({ flag, placeholder, description }) =>
      row([code(placeholder === undefined ? flag : `${flag} ${placeholder}`), description]),
    ),
    '',
  ];
  for (const category of new Set(commands.map((command) => command.category))) {
    lines.push(`## ${category}`, '');
    for (const command of commands.filter((each) => each.category === category)) {
      lines.push(`### \`gofer ${command.paths[0] ?? ''}\``, '', `${command.description}.`, '');
      lines.push('```sh', command.usage, '```', '');
      const others = command.paths.slice(1);
      if (others.length > 0) lines.push(`Also: ${others.map((path) => code(`gofer ${path}`)).join(', ')}.`, '');
      if (command.options.length > 0) {
        lines.push(
          '| Flag | Meaning |',
          '|---|---|',
          ...command.options.map(({ definition, description }) => row([code(definition), description])),
          '',
        );
      }
      lines.push(...details(command.details));
      lines.push('```sh', ...command.examples.flatMap(({ label, command: line }) => [`# ${label}`, line]), '```', '');
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Paragraphs as they are; what is laid out by hand as preformatted text. */
function details(text: string): string[] {
  if (text.trim() === '') return [];
  const blocks = text
    .split('\n')
    .map((line) => line.replace(/^ {6}/u, '').trimEnd())
    .join('\n')
    .trim()
    .split('\n\n');
  return blocks.flatMap((block) => (/^\s{4}|\S {2,}\S/mu.test(block) ? ['```', block, '```', ''] : [block, '']));
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function code(text: string): string {
  return `\`${text}\``;
}
