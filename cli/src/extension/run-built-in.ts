/** What a process does that runs one extension of this distribution. */
import { serveExtension } from '@gofer/sdk/extension';
import { extensionModules } from './extension-modules.ts';

/** Resolves once it is served; the process goes on until it is told to end. */
export async function runBuiltIn(name: string): Promise<void> {
  const load = Object.entries(extensionModules).find(([known]) => known === name)?.[1];
  if (load === undefined) {
    process.stderr.write(`x no extension "${name}" comes with this server\n`);
    process.exitCode = 2;
    return;
  }
  await serveExtension((await load()).extension);
}
