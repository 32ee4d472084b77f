import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { GoferError } from '@gofer/contracts';

/** How to get a pipeline's JSON: from a program that prints it, or as it is. */
export interface RunnableProgram {
  readonly kind: 'program';
  readonly command: string;
  readonly arguments: readonly string[];
  readonly directory: string;
  /** What it needs, for the error where that is missing. */
  readonly tool: string;
  /** The command as a person would type it. */
  readonly typed: string;
}

export type PipelineProgram = RunnableProgram | { readonly kind: 'file'; readonly path: string } | { readonly kind: 'stdin' };

export interface ProgramOptions {
  /** Relative paths begin here. */
  readonly workingDirectory: string;
  /** The Node for programs in TypeScript and JavaScript. */
  readonly node: string;
  /** Module that lets their import of the SDK resolve. */
  readonly preload: string;
}

const SCRIPTS: ReadonlySet<string> = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs']);
/** Tried in this order where package.json names no file that is there. */
const ENTRIES = ['pipeline', 'index', 'main', 'src/pipeline', 'src/index', 'src/main'].flatMap((name) =>
  ['.ts', '.mts', '.mjs', '.js', '.cjs'].map((extension) => name + extension),
);

/** Finds out what is at a path and how it is run. Rejects with `NOT_FOUND` or `INVALID_ARGUMENT`, saying what is understood. */
export async function findPipelineProgram(path: string, options: ProgramOptions): Promise<PipelineProgram> {
  if (path === '-') return { kind: 'stdin' };
  const absolute = resolve(options.workingDirectory, path);
  const found = await statOf(absolute);
  if (found === undefined)
    throw new GoferError('NOT_FOUND', `there is nothing at ${absolute}: name a folder with a pipeline program, a program or a .json file`);
  if (found.isDirectory()) return await inDirectory(absolute, options);
  const extension = extname(absolute);
  if (extension === '.json') return { kind: 'file', path: absolute };
  if (SCRIPTS.has(extension)) return nodeProgram(absolute, dirname(absolute), options);
  if (extension === '.go')
    return {
      kind: 'program',
      command: 'go',
      arguments: ['run', absolute],
      directory: dirname(absolute),
      tool: 'Go',
      typed: `go run ${absolute}`,
    };
  if (await isExecutable(absolute))
    return { kind: 'program', command: absolute, arguments: [], directory: dirname(absolute), tool: basename(absolute), typed: absolute };
  throw new GoferError(
    'INVALID_ARGUMENT',
    `${absolute} is neither a .ts, .js, .go or .json file nor executable; if it is a program: chmod +x ${absolute}`,
  );
}

async function inDirectory(directory: string, options: ProgramOptions): Promise<PipelineProgram> {
  const has = async (name: string) => (await statOf(join(directory, name)))?.isFile() === true;
  if (await has('Cargo.toml'))
    return { kind: 'program', command: 'cargo', arguments: ['run', '--quiet'], directory, tool: 'Rust (cargo)', typed: 'cargo run' };
  if (await has('go.mod')) return { kind: 'program', command: 'go', arguments: ['run', '.'], directory, tool: 'Go', typed: 'go run .' };
  const manifest = (await has('package.json')) ? await readManifest(join(directory, 'package.json')) : undefined;
  for (const entry of [...entriesOf(manifest), ...ENTRIES]) {
    const file = resolve(directory, entry);
    if (SCRIPTS.has(extname(file)) && (await statOf(file))?.isFile() === true) return nodeProgram(file, directory, options);
  }
  if (manifest !== undefined) {
    const named = entriesOf(manifest);
    const missing =
      named.length === 0 ? 'names no entry' : `names ${named.join(', ')}, which is not there (is there a build to run first?)`;
    throw new GoferError(
      'INVALID_ARGUMENT',
      `${join(directory, 'package.json')} ${missing}, and there is no pipeline.ts or index.ts beside it: add "main" to it, or name the file`,
    );
  }
  throw new GoferError(
    'INVALID_ARGUMENT',
    `${directory} has no pipeline program: it needs a package.json with an entry or a pipeline.ts (TypeScript, JavaScript), a go.mod (Go) or a Cargo.toml (Rust)`,
  );
}

function nodeProgram(file: string, directory: string, { node, preload }: ProgramOptions): PipelineProgram {
  const quiet = ['ExperimentalWarning', 'MODULE_TYPELESS_PACKAGE_JSON'].map((warning) => `--disable-warning=${warning}`);
  return {
    kind: 'program',
    command: node,
    arguments: ['--experimental-transform-types', ...quiet, '--import', preload, file],
    directory,
    tool: 'Node',
    typed: `node ${file}`,
  };
}

async function readManifest(path: string): Promise<Record<string, unknown>> {
  try {
    const manifest: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (typeof manifest === 'object' && manifest !== null) return { ...manifest };
  } catch (error) {
    throw new GoferError('INVALID_ARGUMENT', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  throw new GoferError('INVALID_ARGUMENT', `${path} must hold a JSON object`);
}

/** The files that a manifest names as its entry, as Node would look for them (https://nodejs.org/api/packages.html). */
function entriesOf(manifest: Record<string, unknown> | undefined): string[] {
  const entries: unknown[] = [];
  let exported: unknown = manifest?.exports;
  for (let depth = 0; depth < 8 && typeof exported === 'object' && exported !== null; depth += 1) {
    const conditions: Record<string, unknown> = { ...exported };
    exported = conditions['.'] ?? conditions.node ?? conditions.import ?? conditions.default ?? conditions.require;
  }
  entries.push(exported, manifest?.module, manifest?.main);
  return entries.filter((entry): entry is string => typeof entry === 'string' && entry !== '');
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new GoferError('INVALID_ARGUMENT', `${path} cannot be looked at (${String(code)})`, { cause: error });
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
