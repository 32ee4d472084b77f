import { Cli, type CommandClass } from 'clipanion';
import type { GoferContext } from './gofer-context.ts';

/** A parser of the command line for these commands. */
export function createParser(commands: readonly (new () => InstanceType<CommandClass<GoferContext>>)[]): Cli<GoferContext> {
  const parser = new Cli<GoferContext>({ binaryName: 'gofer', enableColors: false });
  for (const command of commands) parser.register(command);
  return parser;
}
