export type { CliSettings } from './cli-settings.ts';
export { cliReference } from './help/cli-reference.ts';
export { runCli } from './run-cli.ts';
export type { Surroundings } from './surroundings.ts';
