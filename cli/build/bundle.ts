/**
 * Bundles the command into `dist/` for its start-up: `gofer.js` with what it loads lazily (the kernel, the WebSocket client) in files
 * beside it, and one file for each thread, process and module that is started by its address. Also records the sources, by which the
 * launcher tells a bundle that is out of date. Run by npm's `prepare`: where it fails it says so, leaves no bundle, and the sources run.
 *
 * `--strict` makes a failure the exit code; `--out DIRECTORY` replaces `dist/`.
 */
import { copyFileSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { BuildOptions, Metafile, Plugin } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({
  options: { strict: { type: 'boolean', default: false }, out: { type: 'string', default: join(root, 'dist') } },
});
const dist = resolve(options.out);
const staging = `${dist}.${process.pid}.new`;

/** Native, found by address at run time, or optional: they stay packages. */
const EXTERNAL = ['better-sqlite3', 'piscina', 'swagger-ui-dist', 'cpu-features', 'bufferutil', 'utf-8-validate', '*.node'];

/** Packages that are loaded lazily and work when they are bundled, by their default export or as ES modules. */
const LAZY_BUNDLED: ReadonlySet<string> = new Set(['ws', 'dockerode']);

/** Other lazy packages stay packages: of a bundled CommonJS module `import()` has only the default export, where Node finds the named ones too. */
const lazyPackagesStayOutside: Plugin = {
  name: 'lazy-packages-stay-outside',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ kind, path }) => {
      if (kind !== 'dynamic-import' || path.startsWith('@gofer/') || path.startsWith('node:') || LAZY_BUNDLED.has(path)) return undefined;
      return { path, external: true };
    });
  },
};

/** Code of CommonJS packages asks for these, which an ES module does not have. */
const COMMON_JS_NAMES = [
  "import { createRequire as goferCreateRequire } from 'node:module';",
  'const require = goferCreateRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;',
].join('\n');

async function bundle(): Promise<void> {
  const { build } = await import('esbuild');
  const common: BuildOptions = {
    absWorkingDir: root,
    outdir: staging,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: EXTERNAL,
    plugins: [lazyPackagesStayOutside],
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    banner: { js: COMMON_JS_NAMES },
    metafile: true,
    logLevel: 'warning',
    logOverride: { 'empty-import-meta': 'silent' },
  };
  const command = await build({ ...common, entryPoints: { gofer: 'cli/src/main.ts' }, splitting: true });
  const parts = await build({ ...common, entryPoints: partEntries() });
  const copied = copyExtensionSdk();
  writeFileSync(join(staging, 'package.json'), '{ "type": "module" }\n');
  const metafiles = [command.metafile, parts.metafile];
  writeFileSync(join(staging, 'sources.json'), `${JSON.stringify(sourcesOf(metafiles, copied))}\n`);
  // Replaced as a whole, so that nobody starts half a bundle.
  rmSync(dist, { recursive: true, force: true });
  renameSync(staging, dist);
}

/** Whatever is started by its address, by the name under which its room looks for it in a bundle. */
function partEntries(): Record<string, string> {
  const workers = globSync('kernel/src/workers/*/*-worker.ts', { cwd: root });
  const entries: Record<string, string> = {
    sdk: 'sdk/src/index.ts',
    'sdk-resolver': 'cli/src/up/sdk-resolver.ts',
    'process-supervisor': 'plugins/scheduler-process/src/supervisor/main.ts',
    'object-store-sqlite-worker': 'plugins/object-store-sqlite/src/object-store-sqlite-worker.ts',
  };
  for (const worker of workers) entries[basename(worker, '.ts')] = worker;
  return Object.fromEntries(Object.entries(entries).filter(([, path]) => existsSync(join(root, path))));
}

/** As sources, which `gofer extension new` writes into the folders of others; answers with their paths. */
function copyExtensionSdk(): string[] {
  const from = 'sdk/src/extension';
  const files = globSync(`${from}/**/*.ts`, { cwd: root }).filter((path) => !/\.(?:test|fixture)\.ts$/.test(path));
  for (const file of files) {
    const copy = join(staging, 'extension-sdk', relative(from, file));
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(join(root, file), copy);
  }
  return files;
}

/** File → size and modification time, of every file of ours and of the list of the packages of others. */
function sourcesOf(
  metafiles: readonly (Metafile | undefined)[],
  copied: readonly string[],
): Record<string, readonly [size: number, modified: number]> {
  const inputs = metafiles.flatMap((metafile) => Object.keys(metafile?.inputs ?? {}));
  const own = inputs.filter((path) => !path.includes('node_modules/')).map((path) => relative(root, join(root, path)));
  const files = [...new Set([...own, ...copied, 'package.json', 'package-lock.json', 'cli/build/bundle.ts'])].filter((path) =>
    existsSync(join(root, path)),
  );
  return Object.fromEntries(
    files.toSorted().map((path) => {
      const { size, mtimeMs } = statSync(join(root, path));
      return [path, [size, mtimeMs]];
    }),
  );
}

try {
  mkdirSync(staging, { recursive: true });
  const started = performance.now();
  await bundle();
  const { length } = readFileSync(join(dist, 'gofer.js'));
  process.stdout.write(
    `bundle: ${join(dist, 'gofer.js')}, ${Math.round(length / 1024)} KiB, in ${Math.round(performance.now() - started)} ms\n`,
  );
} catch (error) {
  rmSync(dist, { recursive: true, force: true });
  rmSync(staging, { recursive: true, force: true });
  process.stderr.write(`bundle: not built, gofer will run from its sources: ${error instanceof Error ? error.message : String(error)}\n`);
  if (options.strict) process.exitCode = 1;
}
