import type { BuiltInExtensions } from '@gofer/kernel';
import { program } from '../assets.ts';
import type { Surroundings } from '../surroundings.ts';
import { BUILT_IN_NAMES, RUN_BUILT_IN } from './built-in-names.ts';

/** What an extension is told of the server's own surroundings: how the machine reaches others, and its time zone. */
const INHERITED = [
  'TZ',
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_ENV_PROXY',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
] as const;

/** How the server runs the extensions that this distribution brings: each in a process of the Node that runs this command. */
export function builtInExtensions({ node, env }: Pick<Surroundings, 'node' | 'env'>): BuiltInExtensions {
  const inherited = INHERITED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  return {
    names: BUILT_IN_NAMES,
    command: (name) =>
      (BUILT_IN_NAMES as readonly string[]).includes(name)
        ? {
            file: node,
            args: ['--disable-warning=ExperimentalWarning', program(), ...RUN_BUILT_IN, name],
            env: Object.fromEntries(inherited),
          }
        : undefined,
  };
}
