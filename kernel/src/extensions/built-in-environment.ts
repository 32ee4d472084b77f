/** The environment of an extension that runs as a process of this machine, with settings that whoever installed it has chosen. */
import { GoferError } from '@gofer/contracts';
import type { BuiltInCommand } from './built-in-extensions.ts';
import type { ExtensionStart } from './extension-host.ts';

/** The descriptor on which a child says where it listens. */
export const ANNOUNCE_FD = 3;

/** What is heard by Node and the system's libraries before the extension is: with it, settings could have the child run any program. */
const HEARD_BY_THE_PROGRAM = /^(?:NODE_|LD_|DYLD_|OPENSSL_|GLIBC_|GCONV_|MALLOC_|UV_)/;
const HARMLESS: ReadonlySet<string> = new Set(['NODE_USE_ENV_PROXY', 'NODE_EXTRA_CA_CERTS']);

/** It speaks to its server on this machine: a proxy would be shown its key, and could not reach it. */
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

function withoutProxyToUs(env: Readonly<Record<string, string>>): Record<string, string> {
  if (env['NODE_USE_ENV_PROXY'] === undefined) return {};
  const others = env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  if (others.trim() === '*') return {};
  const all = [...others.split(','), ...LOOPBACK].filter((host) => host.trim() !== '').join(',');
  return { no_proxy: all, NO_PROXY: all };
}

/** Nothing of the server's own. Throws `INVALID_ARGUMENT` for a setting that would change the program itself. */
export function builtInEnvironment({ extensionId, env }: ExtensionStart, command: BuiltInCommand): Record<string, string> {
  const refused = Object.keys(env).filter((name) => HEARD_BY_THE_PROGRAM.test(name) && !HARMLESS.has(name));
  if (refused.length > 0) {
    throw new GoferError(
      'INVALID_ARGUMENT',
      `the extension '${extensionId}' comes with the server and runs beside it, so it cannot have settings that change the program which runs it: take out ${refused.join(', ')}`,
    );
  }
  const given: Record<string, string> = { ...command.env, ...env };
  return {
    ...given,
    ...withoutProxyToUs(given),
    // Any free port.
    GOFER_EXTENSION_SYSTEM_BIND_ADDRESS: '127.0.0.1:0',
    GOFER_EXTENSION_SYSTEM_ANNOUNCE_FD: String(ANNOUNCE_FD),
    // A server that is killed can end nobody: its end of the pipe goes with it.
    GOFER_EXTENSION_SYSTEM_PARENT_PIPE: 'stdin',
  };
}
