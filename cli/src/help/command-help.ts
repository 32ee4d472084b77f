import { COMMANDS } from '../commands/commands.ts';
import { createParser } from '../create-parser.ts';

/** What the help and the reference say about one command: all of it from the command's own class. */
export interface CommandHelp {
  readonly paths: readonly string[];
  /** `gofer run get [--flag] <pipeline> <run>` */
  readonly usage: string;
  readonly category: string;
  readonly description: string;
  /** Plain text in paragraphs. */
  readonly details: string;
  readonly options: readonly { readonly definition: string; readonly description: string }[];
  readonly examples: readonly { readonly label: string; readonly command: string }[];
}

let described: readonly CommandHelp[] | undefined;

/** Every command, in the order of the list of commands. */
export function describeCommands(): readonly CommandHelp[] {
  described ??= COMMANDS.map(describe);
  return described;
}

function describe(command: (typeof COMMANDS)[number]): CommandHelp {
  const cli = createParser([command]);
  const [definition] = cli.definitions();
  const { usage } = command;
  if (definition === undefined || usage === undefined) throw new TypeError(`${command.name} has no usage`);
  return {
    paths: (command.paths ?? []).map((path) => path.join(' ')),
    usage: definition.options.length === 0 ? definition.usage : `${definition.usage} [flags]`,
    category: usage.category ?? 'Other',
    description: usage.description ?? '',
    details: usage.details ?? '',
    options: definition.options.map((option) => ({
      definition: namePlaceholder(option.definition),
      description: option.description ?? '',
    })),
    examples: (usage.examples ?? []).map(([label, line]) => ({ label, command: line.replaceAll('$0', 'gofer') })),
  };
}

/** What the value of a flag is called where it is not the flag's last word. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  'additional-roles': 'ROLE',
  config: 'KEY=VALUE',
  expiry: 'DURATION',
  limit: 'N',
  metadata: 'KEY=VALUE',
  namespaces: 'REGEX',
  offset: 'N',
  output: 'FILE',
  roles: 'ROLE',
  scheduler: 'ENGINE',
  'registry-password-file': 'FILE',
  'registry-user': 'USER',
  setting: 'KEY=VALUE',
  set: 'SECTION.KEY=VALUE',
  since: 'TIME',
  unset: 'KEY',
  until: 'TIME',
  variable: 'KEY=VALUE',
  wait: 'SECONDS',
  'wait-for': 'SECONDS',
};

/** `-l,--limit #0` → `-l,--limit N` */
function namePlaceholder(definition: string): string {
  const [, flag = ''] = /--([a-z-]+) #0$/u.exec(definition) ?? [];
  return definition.replace('#0', PLACEHOLDERS[flag] ?? flag.split('-').at(-1)?.toUpperCase() ?? 'VALUE');
}
