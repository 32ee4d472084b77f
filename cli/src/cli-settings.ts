import { isAbsolute, join } from 'node:path';
import { cliConfigPaths, loadCliConfig } from '@gofer/config';
import { asTyped } from './as-typed.ts';
import type { GlobalFlags, OutputFormat } from './global-flags.ts';
import type { Surroundings } from './surroundings.ts';

/** How the command is configured: flags over environment over file over defaults. */
export interface CliSettings {
  readonly apiBaseUrl: URL;
  readonly namespace: string;
  readonly detail: boolean;
  readonly debug: boolean;
  readonly outputFormat: OutputFormat;
  /** Empty where there is none. */
  readonly token: string;
  /** Where the token was written: `file:line`, the variable, the flag. */
  readonly tokenSource: string | undefined;
  readonly insecureSkipTlsVerify: boolean;
  /** Absolute; of certificates to trust beside the usual ones. */
  readonly caCert: string | undefined;
  /** Where that was written. */
  readonly caCertSource: string | undefined;
  /** The file that was read; undefined where there is none. */
  readonly source: string | undefined;
  /** The file that would be read, were it there; `source` where there is one. */
  readonly configFile: string;
}

/** Rejects with `CONFIG_INVALID`, naming every fault. `mayBeMissing`: a file that `--config` names and that is not there counts as empty. */
export async function loadSettings(
  flags: GlobalFlags,
  surroundings: Surroundings,
  { mayBeMissing = false }: { readonly mayBeMissing?: boolean } = {},
): Promise<CliSettings> {
  const { env, homeDirectory, workingDirectory } = surroundings;
  const given = {
    namespace: flags.namespace,
    detail: flags.detail,
    output_format: flags.outputFormat,
    api_base_url: flags.apiBaseUrl,
    host: flags.host,
    token: flags.token,
    debug: flags.debug,
    ca_cert: flags.caCert,
    insecure_skip_tls_verify: flags.insecure,
  };
  const typed = {
    ...Object.fromEntries(Object.keys(given).map((key) => [key, `--${key.replaceAll('_', '-')}`])),
    ca_cert: '--ca-cert',
    insecure_skip_tls_verify: '--insecure',
  };
  // npm sets it to the name of the script: `npm run gofer` is how one works on Gofer itself.
  const fromCheckout = env.npm_lifecycle_event === 'gofer';
  const configPath = flags.config === undefined ? undefined : toAbsolute(flags.config, workingDirectory);
  const { config, source, locate } = await loadCliConfig({
    environment: env,
    homeDirectory,
    fromCheckout,
    configPath,
    mayBeMissing,
    flags: given,
  }).catch((error: unknown) => {
    throw asTyped(error, typed);
  });
  return {
    apiBaseUrl: new URL(config.api_base_url),
    namespace: config.namespace,
    detail: config.detail,
    debug: config.debug,
    outputFormat: config.output_format,
    token: config.token?.trim() ?? '',
    tokenSource: locate('token'),
    insecureSkipTlsVerify: config.insecure_skip_tls_verify,
    caCert: config.ca_cert === undefined ? undefined : toAbsolute(config.ca_cert, workingDirectory),
    caCertSource: locate('ca_cert')?.replace('--ca_cert', typed.ca_cert),
    source: source.path,
    configFile: configPath ?? source.path ?? usualConfigFile(homeDirectory, fromCheckout),
  };
}

/** Where a new one belongs: not among the hidden files of the home directory itself. */
function usualConfigFile(homeDirectory: string, fromCheckout: boolean): string {
  const [inHome = '', usual = inHome] = cliConfigPaths(homeDirectory, fromCheckout);
  return usual;
}

function toAbsolute(path: string, workingDirectory: string): string {
  return isAbsolute(path) ? path : join(workingDirectory, path);
}
