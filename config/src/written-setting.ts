/**
 * What somebody wrote, from each place where it can be written: the file, the environment, flags. Here keys are matched to their
 * declarations; whether a value is right is `read-value.ts`.
 */
import { closestName, type Fault } from '@gofer/contracts';
import type { ConfigFile } from './config-file.ts';
import type { SettingSchema } from './setting.ts';
import { findProperty, isTable, spellingsOf } from './setting.ts';

/** One key with a value, as written. */
export interface WrittenSetting {
  /** The key's own path, aliases resolved. */
  readonly path: readonly string[];
  readonly schema: SettingSchema;
  /** The key as written: `api.run_parallelism_limit`, `GOFER_WEB_API__LOG_LEVEL`. */
  readonly written: string;
  /** Where: `file:line`, the variable's name, the flag. */
  readonly at: string;
  readonly value: unknown;
  /** True where the value is text whatever its type should be. */
  readonly textual: boolean;
}

/** A table that is not declared, in a section whose tables belong to plugins. */
export interface UndeclaredBlock {
  readonly section: string;
  readonly name: string;
  readonly written: string;
  readonly at: string;
}

export interface WrittenLayer {
  readonly settings: readonly WrittenSetting[];
  readonly blocks: readonly UndeclaredBlock[];
  readonly faults: readonly Fault[];
}

class Layer implements WrittenLayer {
  readonly settings: WrittenSetting[] = [];
  readonly blocks: UndeclaredBlock[] = [];
  readonly faults: Fault[] = [];
}

export type Environment = Readonly<Record<string, string | undefined>>;
export type Flags = Readonly<Record<string, boolean | number | string | readonly string[] | undefined>>;

/** The keys of the table at `base` in the file (the whole file without it). */
export function writtenInFile(file: ConfigFile, schema: SettingSchema, base: readonly string[] = []): WrittenLayer {
  const layer = new Layer();
  let tree: unknown = file.tree;
  for (const name of base) tree = isRecord(tree) ? tree[name] : undefined;
  if (isRecord(tree)) walkFile(layer, file, { tree, schema, path: base, written: base }, schema);
  return layer;
}

interface Place {
  readonly tree: Readonly<Record<string, unknown>>;
  readonly schema: SettingSchema;
  readonly path: readonly string[];
  readonly written: readonly string[];
}

function walkFile(layer: Layer, file: ConfigFile, place: Place, root: SettingSchema): void {
  for (const [key, value] of Object.entries(place.tree)) {
    const written = [...place.written, key];
    const at = file.locate(written);
    const property = findProperty(place.schema, key);
    if (property === undefined) {
      if (place.schema['x-plugin-blocks'] === true && isRecord(value)) {
        layer.blocks.push({ section: place.path.join('.'), name: key, written: written.join('.'), at });
      } else if (place.schema['x-plugin-block'] !== true) {
        const kind = isRecord(value) ? 'table' : 'key';
        layer.faults.push({ path: at, message: unknownKey(kind, written.join('.'), suggestion(place, key, root)) });
      }
      continue;
    }
    const path = [...place.path, property.name];
    if (!isTable(property.schema)) {
      layer.settings.push({ path, schema: property.schema, written: written.join('.'), at, value, textual: false });
    } else if (isRecord(value)) {
      walkFile(layer, file, { tree: value, schema: property.schema, path, written }, root);
    } else {
      layer.faults.push({ path: at, message: `${written.join('.')} must be a table: [${written.join('.')}]` });
    }
  }
}

function unknownKey(kind: 'key' | 'table' | 'variable' | 'flag', written: string, meant: string | undefined): string {
  return `${written} is not a known ${kind}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
}

/** A key of this table with nearly that name, else a key of another table with exactly that name. */
function suggestion(place: Place, key: string, root: SettingSchema): string | undefined {
  const siblings = Object.entries(place.schema.properties ?? {}).flatMap(([name, schema]) => spellingsOf(name, schema));
  const near = closestName(key, siblings);
  if (near !== undefined) return [...place.written, near].join('.');
  for (const { path, schema } of leavesOf(root)) {
    const name = path.at(-1);
    if (name !== undefined && spellingsOf(name, schema).includes(key)) return [...path.slice(0, -1), key].join('.');
  }
  return undefined;
}

/** Every declared key with a value, in the order of declaration. */
export function* leavesOf(
  schema: SettingSchema,
  base: readonly string[] = [],
): Generator<{ path: readonly string[]; schema: SettingSchema }> {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (isTable(property)) yield* leavesOf(property, [...base, name]);
    else yield { path: [...base, name], schema: property };
  }
}

/**
 * The variables `prefix` + path joined by `__`, in any case; an empty one counts as not set. With `base`, those of the keys of the
 * table there, which `schema` declares.
 */
export function writtenInEnvironment(
  environment: Environment,
  prefix: string,
  schema: SettingSchema,
  base: readonly string[] = [],
): WrittenLayer {
  const layer = new Layer();
  const full = base.length === 0 ? prefix : `${environmentVariable(prefix, base)}__`;
  for (const [name, value] of Object.entries(environment)) {
    if (!name.toUpperCase().startsWith(full) || value === undefined || value === '') continue;
    const names = name.slice(full.length).toLowerCase().split('__');
    placeByNames(layer, schema, names, { written: name, value, kind: 'variable', prefix, base });
  }
  return layer;
}

/** Flags by the dotted path of their key; undefined counts as not given. With `base`, those of the keys of the table there. */
export function writtenInFlags(flags: Flags, schema: SettingSchema, base: readonly string[] = []): WrittenLayer {
  const layer = new Layer();
  const full = base.map((name) => `${name}.`).join('');
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined || !name.startsWith(full)) continue;
    placeByNames(layer, schema, name.slice(full.length).split('.'), { written: name, value, kind: 'flag', prefix: '', base });
  }
  return layer;
}

interface NamedValue {
  readonly written: string;
  readonly value: unknown;
  readonly kind: 'variable' | 'flag';
  readonly prefix: string;
  readonly base: readonly string[];
}

function placeByNames(layer: Layer, root: SettingSchema, names: readonly string[], named: NamedValue): void {
  const at = named.kind === 'flag' ? `--${named.written}` : named.written;
  const path = [...named.base];
  let schema = root;
  for (const [index, name] of names.entries()) {
    const property = findProperty(schema, name) ?? findProperty(schema, name.replaceAll('_', '-'));
    if (property === undefined) {
      if (schema['x-plugin-blocks'] === true && index < names.length - 1) {
        layer.blocks.push({ section: path.join('.'), name, written: named.written, at });
        return;
      }
      if (schema['x-plugin-block'] === true) return;
      schema = {};
      break;
    }
    path.push(property.name);
    schema = property.schema;
  }
  if (isTable(schema) || path.length !== named.base.length + names.length) {
    const meant = closestName(named.written, spelledLike(root, named));
    layer.faults.push({ path: at, message: unknownKey(named.kind, at, meant) });
    return;
  }
  layer.settings.push({ path, schema, written: named.written, at, value: named.value, textual: typeof named.value === 'string' });
}

/** Every key as this source would spell it, so that the nearest can be named. */
function* spelledLike(root: SettingSchema, named: NamedValue): Generator<string> {
  for (const { path } of leavesOf(root, named.base)) {
    yield named.kind === 'variable' ? environmentVariable(named.prefix, path) : path.join('.');
  }
}

/** The variable of a key. A shell's variable has no hyphen, so an underscore stands for it. */
export function environmentVariable(prefix: string, path: readonly string[]): string {
  return prefix + path.join('__').replaceAll('-', '_').toUpperCase();
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
