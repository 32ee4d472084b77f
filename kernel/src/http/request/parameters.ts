/** Strings from a path, a query or headers, read by their schema: once compiled, a request costs no closure and no schema walk. */
import { type Fault, GoferError } from '@gofer/contracts';
import type { TSchema } from 'typebox';

interface Field {
  readonly name: string;
  readonly type: 'integer' | 'boolean' | 'string' | 'array';
  readonly required: boolean;
  readonly fallback: unknown;
  /** Of the value where it is an integer, of its length where it is a string or a list. */
  readonly minimum: number;
  readonly maximum: number;
  /** The strings that it may be; undefined: any. */
  readonly choices: readonly string[] | undefined;
}
/** The part of an object's schema that parameters have. */
export interface ParametersSchema {
  readonly properties: Readonly<Record<string, TSchema>>;
  readonly required?: readonly string[];
}
export type Values = Readonly<Record<string, unknown>>;

export class Parameters {
  readonly #fields: readonly Field[];
  readonly #where: string;
  readonly #defaults: Values;
  readonly #noneRequired: boolean;

  /** `where` names the place in messages: `path`, `query`, `header`. What has a default is never required. */
  constructor(where: string, schema: ParametersSchema | undefined) {
    this.#where = where;
    this.#fields = Object.entries(schema?.properties ?? {}).map(([name, field]) =>
      toField(name, field, schema?.required?.includes(name) ?? false),
    );
    this.#noneRequired = this.#fields.every((field) => !field.required);
    this.#defaults = Object.freeze(
      Object.fromEntries(this.#fields.flatMap(({ name, fallback }) => (fallback === undefined ? [] : [[name, fallback]]))),
    );
  }

  /** Unknown names are ignored. Rejects with `INVALID_ARGUMENT` and every fault; a name that comes twice is one, unless it is a list's. */
  read(source: Readonly<Record<string, string | readonly string[] | undefined>>): Values {
    const values: Record<string, unknown> = { ...this.#defaults };
    let faults: Fault[] | undefined;
    for (const field of this.#fields) {
      const raw = source[field.name];
      if (raw === undefined && !field.required) continue;
      const value = field.type === 'array' ? parseList(field, raw) : typeof raw === 'string' ? parse(field, raw) : undefined;
      if (value !== undefined) values[field.name] = value;
      else faults = [...(faults ?? []), { path: `${this.#where}.${field.name}`, message: complaint(field, raw) }];
    }
    if (faults !== undefined) throw parametersError(faults);
    return values;
  }

  /** The same from a raw query string. */
  readQuery(query: string): Values {
    if (this.#fields.length === 0 || (query === '' && this.#noneRequired)) return this.#defaults;
    const source: Record<string, string | string[]> = Object.create(null);
    for (const [name, value] of new URLSearchParams(query)) {
      const former = source[name];
      if (former === undefined) source[name] = value;
      else if (typeof former === 'string') source[name] = [former, value];
      else former.push(value);
    }
    return this.read(source);
  }
}

function toField(name: string, schema: TSchema, required: boolean): Field {
  const rules: Record<string, unknown> = { ...schema };
  const type = rules['type'];
  if (type !== 'integer' && type !== 'boolean' && type !== 'string' && type !== 'array')
    throw new TypeError(`${name}: a parameter is an integer, a boolean, a string or a list of strings`);
  const number = (key: string, otherwise: number) => (typeof rules[key] === 'number' ? rules[key] : otherwise);
  const [minimum, maximum] =
    type === 'integer'
      ? [number('minimum', Number.MIN_SAFE_INTEGER), number('maximum', Number.MAX_SAFE_INTEGER)]
      : type === 'array'
        ? [number('minItems', 0), number('maxItems', Number.POSITIVE_INFINITY)]
        : [number('minLength', 0), number('maxLength', Number.POSITIVE_INFINITY)];
  const choices = Array.isArray(rules['enum']) ? rules['enum'].map(String) : undefined;
  return { name, type, required: required && rules['default'] === undefined, fallback: rules['default'], minimum, maximum, choices };
}

const INTEGER = /^-?\d{1,16}$/;

/** Undefined: not what the field asks for. */
function parse(field: Field, raw: string): string | number | boolean | undefined {
  if (field.type === 'boolean') return raw === 'true' ? true : raw === 'false' ? false : undefined;
  if (field.choices !== undefined) return field.choices.includes(raw) ? raw : undefined;
  if (field.type === 'string') return raw.length >= field.minimum && raw.length <= field.maximum ? raw : undefined;
  const value = INTEGER.test(raw) ? Number(raw) : Number.NaN;
  return value >= field.minimum && value <= field.maximum ? value : undefined;
}

/** The values of a list, one for each time that its name comes. */
function parseList({ minimum, maximum }: Field, raw: string | readonly string[] | undefined): readonly string[] | undefined {
  const items = raw === undefined ? [] : typeof raw === 'string' ? [raw] : raw;
  return items.length >= minimum && items.length <= maximum ? items : undefined;
}

function complaint(field: Field, raw: string | readonly string[] | undefined): string {
  if (raw === undefined) return 'is required';
  if (field.type === 'array') return `must be given ${field.minimum} to ${field.maximum} times`;
  if (typeof raw !== 'string') return 'is given more than once';
  if (field.type === 'boolean') return 'must be true or false';
  if (field.choices !== undefined) return `must be one of ${field.choices.join(', ')}`;
  if (field.type === 'integer') return `must be a whole number from ${field.minimum} to ${field.maximum}`;
  return `must have ${field.minimum} to ${field.maximum} characters`;
}

function parametersError(faults: readonly Fault[]): GoferError {
  return new GoferError(
    'INVALID_ARGUMENT',
    `The request cannot be used: ${faults.map(({ path, message }) => `${path} ${message}`).join('; ')}.`,
    {
      details: faults,
    },
  );
}
