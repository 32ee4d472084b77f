import { isAbsolute, join } from 'node:path';
import { loadCliConfig } from '@gofer/config';
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
  readonly insecureSkipTlsVerify: boolean;
  /** The file that was read; undefined where there is none. */
  readonly source: string | undefined;
}

/** Rejects with `CONFIG_INVALID`, naming every fault. */
export async function loadSettings(flags: GlobalFlags, surroundings: Surroundings): Promise<CliSettings> {
  const { env, homeDirectory, workingDirectory } = surroundings;
  const given = {
    namespace: flags.namespace,
    detail: flags.detail,
    output_format: flags.outputFormat,
    api_base_url: flags.apiBaseUrl,
    host: flags.host,
    token: flags.token,
    debug: flags.debug,
  };
  const typed = Object.fromEntries(Object.keys(given).map((key) => [key, `--${key.replaceAll('_', '-')}`]));
  const { config, source } = await loadCliConfig({
    environment: env,
    homeDirectory,
    // npm sets it to the name of the script: `npm run gofer` is how one works on Gofer itself.
    fromCheckout: env.npm_lifecycle_event === 'gofer',
    ...(flags.config === undefined ? {} : { configPath: toAbsolute(flags.config, workingDirectory) }),
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
    token: config.token ?? '',
    insecureSkipTlsVerify: config.insecure_skip_tls_verify,
    source: source.path,
  };
}

function toAbsolute(path: string, workingDirectory: string): string {
  return isAbsolute(path) ? path : join(workingDirectory, path);
}
