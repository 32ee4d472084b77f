export type { CliSettings } from './cli-settings.ts';
export type { Surroundings } from './gofer-context.ts';
export { cliReference } from './help/cli-reference.ts';
export { runCli } from './run-cli.ts';
