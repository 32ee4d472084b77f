import { isAbsolute, join } from 'node:path';
import { cliConfigPaths, loadCliConfig } from '@gofer/config';
import { GoferError } from '@gofer/contracts';
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
  const typedPlace = (key: 'ca_cert' | 'insecure_skip_tls_verify') => locate(key)?.replace(`--${key}`, typed[key]);
  return {
    apiBaseUrl: new URL(config.api_base_url),
    namespace: config.namespace,
    detail: config.detail,
    debug: config.debug,
    outputFormat: config.output_format,
    token: config.token?.trim() ?? '',
    tokenSource: locate('token'),
    insecureSkipTlsVerify: skipsVerification(flags, config, typedPlace),
    caCert: config.ca_cert === undefined ? undefined : toAbsolute(config.ca_cert, workingDirectory),
    caCertSource: typedPlace('ca_cert'),
    source: source.path,
    configFile: configPath ?? source.path ?? usualConfigFile(homeDirectory, fromCheckout),
  };
}

/**
 * A certificate is checked or it is not. A flag for the one counts before the other where that is not a flag; otherwise nobody can tell which
 * of the two is meant.
 */
function skipsVerification(
  flags: GlobalFlags,
  config: { readonly insecure_skip_tls_verify: boolean; readonly ca_cert?: string | undefined },
  placeOf: (key: 'ca_cert' | 'insecure_skip_tls_verify') => string | undefined,
): boolean {
  if (!config.insecure_skip_tls_verify || config.ca_cert === undefined) return config.insecure_skip_tls_verify;
  const [isInsecureFlag, isCaFlag] = [flags.insecure !== undefined, flags.caCert !== undefined];
  if (isInsecureFlag !== isCaFlag) return isInsecureFlag;
  const [insecure, ca] = isCaFlag
    ? ['--insecure', '--ca-cert']
    : [`insecure_skip_tls_verify (${placeOf('insecure_skip_tls_verify')})`, `ca_cert (${placeOf('ca_cert')})`];
  throw new GoferError(
    'CONFIG_INVALID',
    `${insecure} and ${ca} exclude each other: the one does not check the server's certificate, the other checks it by that file. Remove one of them`,
  );
}

/** Where a new one belongs: not among the hidden files of the home directory itself. */
function usualConfigFile(homeDirectory: string, fromCheckout: boolean): string {
  const [inHome = '', usual = inHome] = cliConfigPaths(homeDirectory, fromCheckout);
  return usual;
}

function toAbsolute(path: string, workingDirectory: string): string {
  return isAbsolute(path) ? path : join(workingDirectory, path);
}
