/** Reads one TOML file and knows where each of its keys stands. The only I/O of this package. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Fault } from '@gofer/contracts';
import { parse, TomlError } from 'smol-toml';
import type { LineOf } from './toml-positions.ts';
import { scanTomlPositions } from './toml-positions.ts';

export interface ConfigFile {
  readonly path: string;
  readonly tree: Readonly<Record<string, unknown>>;
  /** `path:line` of a key, or of the nearest table around it. */
  readonly locate: (key: readonly string[]) => string;
}

/** A file larger than this is not a configuration. */
const LARGEST_BYTES = 4 * 1024 * 1024;
/** Tables and arrays inside each other; the parser counts brackets only, and a dotted key opens tables without any. */
const DEEPEST = 32;

export type ReadResult =
  | { readonly kind: 'read'; readonly file: ConfigFile }
  | { readonly kind: 'missing' }
  | { readonly kind: 'fault'; readonly fault: Fault };

export async function readConfigFile(path: string): Promise<ReadResult> {
  let bytes: Uint8Array;
  try {
    bytes = await readAtMost(path, LARGEST_BYTES + 1);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
    return { kind: 'fault', fault: { path, message: `the file cannot be read (${code})` } };
  }
  if (bytes.byteLength > LARGEST_BYTES) {
    return {
      kind: 'fault',
      fault: { path, message: `the file has more than ${LARGEST_BYTES} bytes; a configuration is smaller` },
    };
  }
  return parseConfigFile(path, bytes);
}

/** Whether every user of the machine may read it; its group is its owner's choice. */
export async function isOpenToAll(path: string): Promise<boolean> {
  const { mode } = await stat(path);
  return (mode & 0o004) !== 0;
}

/** What is named may have no end, as a device or a pipe. */
async function readAtMost(path: string, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createReadStream(path, { end: limit - 1 })) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

/** `bytes` are what the file holds. */
export function parseConfigFile(path: string, bytes: Uint8Array): ReadResult {
  let source: string;
  try {
    source = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { kind: 'fault', fault: { path, message: 'the file is not UTF-8 text' } };
  }
  try {
    const tree = parse(source, { unsafeKeyBehaviour: 'throw', maxDepth: DEEPEST });
    const message = `tables and arrays are more than ${DEEPEST} deep inside each other`;
    if (isDeeperThan(tree, DEEPEST)) return { kind: 'fault', fault: { path, message } };
    return { kind: 'read', file: { path, tree, locate: locator(path, scanTomlPositions(source)) } };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The first line only, and no `cause`: the rest of the message quotes the source, which may hold a secret.
    const [what = 'not TOML'] = error.message.replace(/^Invalid TOML document: /, '').split('\n');
    return { kind: 'fault', fault: { path: `${path}:${error.line}:${error.column}`, message: `not valid TOML: ${what}` } };
  }
}

function isDeeperThan(value: unknown, limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return limit === 0 || Object.values(value).some((inner) => isDeeperThan(inner, limit - 1));
}

function locator(path: string, lineOf: LineOf): (key: readonly string[]) => string {
  return (key) => {
    for (let length = key.length; length > 0; length -= 1) {
      const line = lineOf(key.slice(0, length));
      if (line !== undefined) return `${path}:${line}`;
    }
    return path;
  };
}
