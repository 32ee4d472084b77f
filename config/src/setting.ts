/**
 * How one key of the configuration is declared. A declaration is a JSON Schema with marks of ours, and everything else comes from it:
 * the type, the default, the redaction, the environment variable, the sample file and the reference.
 */
// The namespace import is what lets a bundler leave out the nine tenths of typebox that are not used here.
import * as Type from 'typebox';
import { parseDuration } from './duration.ts';

/** What the readers of a schema look at; a plugin's own schema may use the marks too. */
export interface SettingSchema {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SettingSchema>>;
  readonly required?: readonly string[];
  readonly items?: SettingSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** `uri` is checked, other formats are not. */
  readonly format?: string;
  /** Redacted wherever it is shown, and never quoted in an error. */
  readonly 'x-secret'?: boolean;
  /** A number of seconds that may be written as a duration string. */
  readonly 'x-duration'?: boolean;
  /** Other spellings of the key (or of the table). */
  readonly 'x-aliases'?: readonly string[];
  /** The default in development mode, where it is another. */
  readonly 'x-development-default'?: unknown;
  /** The default is this name inside the state directory. */
  readonly 'x-state-path'?: string;
  /** What the sample file shows where there is no default, or none that suits a server. */
  readonly 'x-sample'?: unknown;
  /** Behind "… is required": where a value comes from. */
  readonly 'x-remedy'?: string;
  /** In words, what `pattern` asks for. */
  readonly 'x-expects'?: string;
  /** Read for compatibility and not used; says what to do instead. Left out of the sample. */
  readonly 'x-ignored'?: string;
  /** On a table: tables in it that are not declared belong to plugins. */
  readonly 'x-plugin-blocks'?: boolean;
  /** On a table: a plugin's block. Keys that are not declared are left for the plugin's own schema to judge. */
  readonly 'x-plugin-block'?: boolean;
}

/** A declaration as its readers see it. */
export function asSetting(schema: Type.TSchema): SettingSchema {
  return schema;
}

interface Marks<Value> {
  readonly default?: Value;
  readonly developmentDefault?: Value;
  readonly aliases?: readonly string[];
  readonly sample?: Value;
  readonly ignored?: string;
}

function marksOf(description: string, marks: Marks<unknown>): Record<string, unknown> {
  return {
    description,
    ...(marks.default === undefined ? {} : { default: marks.default }),
    ...(marks.developmentDefault === undefined ? {} : { 'x-development-default': marks.developmentDefault }),
    ...(marks.aliases === undefined ? {} : { 'x-aliases': marks.aliases }),
    ...(marks.sample === undefined ? {} : { 'x-sample': marks.sample }),
    ...(marks.ignored === undefined ? {} : { 'x-ignored': marks.ignored }),
  };
}

export function flag(description: string, marks: Marks<boolean>): Type.TBoolean {
  return Type.Boolean(marksOf(description, marks));
}

/** A whole number. */
export function count(description: string, marks: Marks<number> & { readonly minimum?: number; readonly maximum?: number }): Type.TInteger {
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = marks;
  return Type.Integer({ ...marksOf(description, marks), minimum, maximum });
}

/** The longest that a timer of Node can wait (2,147,483,647 ms), in whole hours. */
export const LONGEST_TIMER = '596h';

interface DurationMarks {
  readonly default: string;
  readonly minimum?: string;
  readonly maximum?: string;
}

/** Seconds; the marks are written as durations. */
export function duration(description: string, marks: DurationMarks): Type.TNumber {
  return Type.Number({
    ...marksOf(description, { default: secondsOf(marks.default) }),
    minimum: secondsOf(marks.minimum ?? '0'),
    ...(marks.maximum === undefined ? {} : { maximum: secondsOf(marks.maximum) }),
    'x-duration': true,
  });
}

function secondsOf(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new RangeError(`not a duration: ${text}`);
  return seconds;
}

export function text(description: string, marks: Marks<string> = {}): Type.TString {
  return Type.String({ ...marksOf(description, marks), minLength: 1 });
}

/** A file or directory; `statePath` names its default inside the state directory. */
export function path(description: string, marks: Marks<string> & { readonly statePath?: string } = {}): Type.TString {
  const state = marks.statePath === undefined ? {} : { 'x-state-path': marks.statePath };
  return Type.String({ ...marksOf(description, marks), ...state, minLength: 1 });
}

export function secret(description: string, marks: Marks<string> & { readonly length?: number } = {}): Type.TString {
  const length = marks.length === undefined ? { minLength: 1 } : { minLength: marks.length, maxLength: marks.length };
  return Type.String({ ...marksOf(description, marks), ...length, 'x-secret': true });
}

/** 0 to 65535. */
const PORT = '(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4})';

/** `host:port`; IPv6 in brackets. */
export const ADDRESS_PATTERN = String.raw`^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?):${PORT}$`;

export function address(description: string, marks: Marks<string> = {}): Type.TString {
  return Type.String({
    ...marksOf(description, marks),
    pattern: ADDRESS_PATTERN,
    'x-expects': 'an address such as localhost:8080 or [::1]:8080',
  });
}

export function webUrl(description: string, marks: Marks<string> = {}): Type.TString {
  return Type.String({
    ...marksOf(description, marks),
    // No user and password in it: it is shown, in hints, links and logs.
    pattern: String.raw`^https?://[^\s@/?#]+(?:[/?#]\S*)?$`,
    format: 'uri',
    'x-expects': 'an http:// or https:// URL, without a user and password',
  });
}

export function choice<const Values extends string[]>(
  description: string,
  values: readonly [...Values],
  marks: Marks<Values[number]>,
): Type.TEnum<Values> {
  return Type.Enum(values, { ...marksOf(description, marks), type: 'string' });
}

export function list(description: string, marks: Marks<string[]>): Type.TArray<Type.TString> {
  return Type.Array(Type.String({ minLength: 1 }), marksOf(description, marks));
}

interface TableMarks {
  readonly aliases?: readonly string[];
  /** Tables that are not declared here belong to plugins and are checked with the plugin's own schema. */
  readonly pluginBlocks?: boolean;
  /** The block of a built-in plugin, of which only the keys are declared that the documentation or the server itself needs. */
  readonly pluginBlock?: boolean;
}

/** A TOML table. Keys that it does not declare are faults, unless it is a plugin's. */
export function table<Properties extends Type.TProperties>(
  description: string,
  properties: Properties,
  marks: TableMarks = {},
): Type.TObject<Properties> {
  return Type.Object(properties, {
    ...marksOf(description, marks.aliases === undefined ? {} : { aliases: marks.aliases }),
    additionalProperties: false,
    ...(marks.pluginBlocks === true ? { 'x-plugin-blocks': true } : {}),
    ...(marks.pluginBlock === true ? { 'x-plugin-block': true } : {}),
  });
}

/** The names by which a key may be written, its own first. */
export function spellingsOf(name: string, schema: SettingSchema): readonly string[] {
  return [name, ...(schema['x-aliases'] ?? [])];
}

/** The declaration that a written key means, and its own name. */
export function findProperty(
  schema: SettingSchema,
  written: string,
): { readonly name: string; readonly schema: SettingSchema } | undefined {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (spellingsOf(name, property).includes(written)) return { name, schema: property };
  }
  return undefined;
}

/** True for a table of declared keys, in contrast to a key with a value. */
export function isTable(schema: SettingSchema): boolean {
  return schema.properties !== undefined;
}
