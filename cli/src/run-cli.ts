import { codeOf, ERROR_TABLE, GoferError } from '@gofer/contracts';
import { loadSettings } from './cli-settings.ts';
import { COMMANDS } from './commands/commands.ts';
import { createClient } from './create-client.ts';
import { createParser } from './create-parser.ts';
import { extractGlobalFlags, type GlobalFlags } from './global-flags.ts';
import type { GoferContext } from './gofer-context.ts';
import { renderHelp } from './help/render-help.ts';
import { toUsageError } from './help/usage-error.ts';
import { accessHints } from './identity/access-hints.ts';
import { renderError, renderErrorJson } from './output/error-report.ts';
import { createColours } from './output/presentation.ts';
import { writeFully } from './output/write-fully.ts';
import type { Surroundings } from './surroundings.ts';

/** Runs one command line and resolves with the exit code. Never rejects: errors go to stderr, and the table of error codes has their exit codes. */
export async function runCli(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  let flags: GlobalFlags = {};
  let context: GoferContext | undefined;
  try {
    const extracted = extractGlobalFlags(argv);
    ({ flags } = extracted);
    context = createContext(flags, surroundings);
    return await execute(extracted.rest, context);
  } catch (error) {
    const colours = createColours({ flag: flags.color, environment: surroundings.env, isTerminal: surroundings.stderr.isTTY === true });
    const format = flags.outputFormat ?? surroundings.env.GOFER_OUTPUT_FORMAT;
    const report =
      format === 'json'
        ? renderErrorJson(error)
        : renderError(error, {
            colours,
            debug: flags.debug ?? isOn(surroundings.env.GOFER_DEBUG),
            hints: context === undefined ? [] : await accessHints(error, context.settings),
          });
    await writeFully(surroundings.stderr, report);
    return ERROR_TABLE[codeOf(error)].exit;
  }
}

function isOn(value: string | undefined): boolean {
  return value === '1' || value?.toLowerCase() === 'true';
}

function createContext(flags: GlobalFlags, surroundings: Surroundings): GoferContext {
  const { env, stdin, stdout, stderr } = surroundings;
  let settings: ReturnType<GoferContext['settings']> | undefined;
  let client: ReturnType<GoferContext['client']> | undefined;
  const colours = createColours({ flag: flags.color, environment: env, isTerminal: stdout.isTTY === true });
  const context: GoferContext = {
    ...surroundings,
    env: { ...env },
    stdin,
    stdout,
    stderr,
    flags,
    colours,
    errorColours: createColours({ flag: flags.color, environment: env, isTerminal: stderr.isTTY === true }),
    colorDepth: colours.isColorSupported ? 8 : 1,
    settings: () => (settings ??= loadSettings(flags, surroundings)),
    client: () => (client ??= createClient(context)),
    dispatch: (argv) => execute(argv, context),
  };
  return context;
}

async function execute(argv: readonly string[], context: GoferContext): Promise<number> {
  const help = renderHelp(argv, { colours: context.colours, version: context.version });
  if (help !== undefined) {
    await writeFully(context.stdout, help);
    return 0;
  }
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V' || argv[0] === 'version')) {
    await writeFully(context.stdout, `${context.version}\n`);
    return 0;
  }
  const cli = createParser(COMMANDS);
  let command: ReturnType<typeof cli.process>;
  try {
    command = cli.process([...argv], context);
  } catch (error) {
    throw toUsageError(error, argv);
  }
  if (command.path.length === 0) throw new GoferError('INVALID_ARGUMENT', 'no command; see gofer --help');
  return await command.validateAndExecute();
}
