/**
 * Bundles one extension into a single file, `DIR/extension.mjs`, which Node runs without anything beside it:
 *
 *     node extensions/build.ts NAME --out DIR
 */
import { existsSync, globSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const names = globSync('*/src/main.ts', { cwd: import.meta.dirname }).map((path) => dirname(dirname(path)));

try {
  const { values, positionals } = parseArgs({ options: { out: { type: 'string' } }, allowPositionals: true });
  const [name] = positionals;
  if (name === undefined || positionals.length > 1 || values.out === undefined) {
    throw new Error('usage: node extensions/build.ts NAME --out DIR');
  }
  const entry = join(import.meta.dirname, name, 'src/main.ts');
  if (!names.includes(name) || !existsSync(entry))
    throw new Error(`there is no extension ${JSON.stringify(name)}; there are ${names.toSorted().join(', ')}`);
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: join(resolve(values.out), 'extension.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    logLevel: 'warning',
  });
} catch (error) {
  process.stderr.write(`build: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
