/** From the name of an engine to the module that implements it. */
import { readFile, stat } from 'node:fs/promises';
import { createRequire, findPackageJSON, isBuiltin } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { closestName } from '@gofer/config';

/** The plugins that come with a distribution, by name; each is imported when it is first needed and exports `plugin`. */
export type BuiltInModules = Readonly<Record<string, () => Promise<unknown>>>;

export type ResolvedPlugin =
  /** `origin` says for a person where the module is. */
  { readonly origin: string; readonly load: () => Promise<unknown> } | { readonly fault: string };

/**
 * `engine` is the name of a built-in plugin, a path (`./x`, `../x` or absolute; relative to `baseDirectory`, the directory of the
 * configuration file) or a package (found from `baseDirectory`, then from the working directory). Imports nothing.
 */
export async function resolvePlugin(engine: string, baseDirectory: string, builtIns: BuiltInModules): Promise<ResolvedPlugin> {
  const builtIn = Object.hasOwn(builtIns, engine) ? builtIns[engine] : undefined;
  if (builtIn !== undefined) return { origin: `the built-in plugin ${engine}`, load: builtIn };
  if (/^\.{1,2}[\\/]/.test(engine) || isAbsolute(engine)) return fromFile(resolve(baseDirectory, engine));
  for (const directory of [baseDirectory, process.cwd()]) {
    const file = await resolvePackage(engine, directory);
    if (file !== undefined) return fromFile(file);
  }
  const names = Object.keys(builtIns);
  const meant = closestName(engine, names);
  const hint = meant === undefined ? `the built-in plugins are ${names.join(', ')}.` : `did you mean "${meant}"?`;
  return {
    fault: `is neither a built-in plugin nor a package that is installed beside the configuration (${baseDirectory}); ${hint} A file is named by its path, as in "./${engine}.js".`,
  };
}

async function fromFile(file: string): Promise<ResolvedPlugin> {
  try {
    if (!(await stat(file)).isFile()) return { fault: `${file} is not a file; name the module inside it` };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return { fault: code === 'ENOENT' || code === 'ENOTDIR' ? `there is no file ${file}` : `${file} cannot be read: ${String(error)}` };
  }
  return { origin: file, load: () => import(pathToFileURL(file).href) as Promise<unknown> };
}

async function resolvePackage(name: string, directory: string): Promise<string | undefined> {
  if (isBuiltin(name)) return undefined;
  const from = join(directory, 'gofer_web.toml');
  try {
    return createRequire(from).resolve(name);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // The package may be there and export itself to `import` only.
    return code === 'ERR_PACKAGE_PATH_NOT_EXPORTED' ? resolveForImport(name, from) : undefined;
  }
}

async function resolveForImport(name: string, from: string): Promise<string | undefined> {
  const manifest = findPackageJSON(name, pathToFileURL(from));
  if (manifest === undefined) return undefined;
  const { exports } = JSON.parse(await readFile(manifest, 'utf8')) as { exports?: unknown };
  const depth = name.startsWith('@') ? 2 : 1;
  const entry = ['.', ...name.split('/').slice(depth)].join('/');
  const target = importTarget(isRecord(exports) && Object.hasOwn(exports, entry) ? exports[entry] : entry === '.' ? exports : undefined);
  return target === undefined ? undefined : join(dirname(manifest), target);
}

/** The first target that holds for `import` in Node. */
function importTarget(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (!isRecord(target)) return undefined;
  for (const [condition, value] of Object.entries(target)) {
    const found = ['node', 'import', 'default'].includes(condition) ? importTarget(value) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
