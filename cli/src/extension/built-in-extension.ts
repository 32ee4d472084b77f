/** The program of a process that runs one extension of this distribution, named by its argument. It loads nothing else of the command. */
import { serveExtension } from '@gofer/sdk/extension';
import { extensionModules } from './extension-modules.ts';

const [name = ''] = process.argv.slice(2);
const load = Object.entries(extensionModules).find(([known]) => known === name)?.[1];
if (load === undefined) {
  process.stderr.write(`x no extension "${name}" comes with this server\n`);
  process.exit(2);
}
await serveExtension((await load()).extension);
