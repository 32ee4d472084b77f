import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadServerConfig } from '@gofer/config';
import { builtInPluginSchemas } from '../../built-in-plugin-schemas.ts';
import type { GoferContext } from '../../gofer-context.ts';
import { toFileError } from '../../input/local-file.ts';
import { readVariables } from '../../read-variables.ts';

/** What a command that works on a server's files gives to the kernel: its configuration as `service start` reads it, and the plugins. */
export async function loadOperation(context: GoferContext, settings: readonly string[]) {
  const { config: configPath } = context.flags;
  const loaded = await loadServerConfig({
    environment: context.env,
    homeDirectory: context.homeDirectory,
    ...(configPath === undefined ? {} : { configPath: resolve(context.workingDirectory, configPath) }),
    flags: readVariables([...settings], '--set'),
    pluginSchemas: builtInPluginSchemas,
  });
  const { builtInPlugins } = await import('../../built-in-plugins.ts');
  return {
    loaded,
    builtIns: builtInPlugins,
    version: context.version,
    log: (level: string, message: string) => {
      if (level === 'warn' || level === 'error') context.stderr.write(`${message}\n`);
    },
  };
}

/** The contents of `--key-file`, without the white space around them. Rejects with `NOT_FOUND` or `INVALID_ARGUMENT`. */
export async function readKeyFile(context: GoferContext, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const absolute = resolve(context.workingDirectory, path);
  try {
    return (await readFile(absolute, 'utf8')).trim();
  } catch (error) {
    throw toFileError(error, absolute, 'read');
  }
}
