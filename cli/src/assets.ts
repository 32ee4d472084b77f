/**
 * Where the files are that this room needs beside its own code. Run from source they are where they were written; in a bundle, which
 * puts every entry into one folder, they are `<name>.js` beside it. No other module builds such a path.
 */
import { fileURLToPath } from 'node:url';

const fromSource = import.meta.url.endsWith('/assets.ts');

/** Preloaded into users' programs; see `up/sdk-resolver.ts`. */
export function sdkResolver(): URL {
  return new URL(fromSource ? './up/sdk-resolver.ts' : './sdk-resolver.js', import.meta.url);
}

/** The command's own copy of the SDK, in a form that Node runs wherever it stands. */
export function ownSdk(): URL {
  return new URL(fromSource ? '../../sdk/src/index.ts' : './sdk.js', import.meta.url);
}

/** The folder of the sources of the SDK of extensions, which `extension new` copies. */
export function extensionSdk(): URL {
  return new URL(fromSource ? '../../sdk/src/extension/' : './extension-sdk/', import.meta.url);
}

/** The package's manifest. */
export function manifest(): URL {
  return new URL(fromSource ? '../../package.json' : '../package.json', import.meta.url);
}

/** The bundled supervisor of the scheduler `process`; undefined from source, where the plugin finds its own. */
export function processSupervisor(): string | undefined {
  return fromSource ? undefined : fileURLToPath(new URL('./process-supervisor.js', import.meta.url));
}

/** The command itself, behind the launcher. */
export function program(): string {
  return fileURLToPath(new URL(fromSource ? './main.ts' : './gofer.js', import.meta.url));
}
