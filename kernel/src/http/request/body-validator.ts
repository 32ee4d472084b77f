import { type Fault, GoferError } from '@gofer/contracts';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { TSchema } from 'typebox';
import { toJsonSchema } from '../json-schema.ts';

/** Faults beyond this many are counted only. */
const MAX_FAULTS = 100;
/** Bytes of a body all of whose faults are looked for; of a larger one, which may have millions, the first is told. */
const LARGEST_SEARCHED = 256 * 1024;
/** Characters of a key in a path. */
const LONGEST_STEP = 64;

/** Checks bodies against one schema, which is compiled at the first of them. Unknown fields are let through. */
export class BodyValidator {
  readonly #schema: TSchema;
  readonly #compiled: { first?: ValidateFunction; all?: ValidateFunction } = {};

  constructor(schema: TSchema) {
    this.#schema = schema;
  }

  /** `size`: of the body in bytes. Rejects with `INVALID_ARGUMENT` and every fault with its path, or the first where it is large. */
  check(body: unknown, size: number): void {
    const first = this.#validator('first');
    if (first(body)) return;
    const isSearched = size <= LARGEST_SEARCHED;
    const validate = isSearched ? this.#validator('all') : first;
    if (isSearched) validate(body);
    const faults = (validate.errors ?? []).map(toFault);
    const shown = faults.slice(0, MAX_FAULTS);
    const more = faults.length - shown.length;
    const text = shown.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new GoferError('INVALID_ARGUMENT', `The body cannot be used: ${text}${more === 0 ? '' : `; and ${more} more`}.`, {
      details: shown,
    });
  }

  #validator(faults: 'first' | 'all'): ValidateFunction {
    // One instance a schema: instances share nothing, so equal names in different bodies never meet. That each schema is one is known by
    // a test: to find that out here would take the first request of each route as long as a hundred others.
    const options = { allErrors: faults === 'all', strict: true, allowUnionTypes: true, validateSchema: false };
    this.#compiled[faults] ??= new Ajv2020(options).compile(toJsonSchema(this.#schema, (_, schema) => schema));
    return this.#compiled[faults];
  }
}

function toFault(error: ErrorObject): Fault {
  const missing: unknown = error.keyword === 'required' ? error.params['missingProperty'] : undefined;
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  const where = `$${[...path, ...(typeof missing === 'string' ? [missing] : [])].map(toStep).join('')}`;
  if (missing !== undefined) return { path: where, message: 'is required' };
  const allowed: unknown = error.keyword === 'enum' ? error.params['allowedValues'] : undefined;
  if (Array.isArray(allowed)) return { path: where, message: `must be one of ${allowed.join(', ')}` };
  return { path: where, message: error.message ?? 'is not valid' };
}

function unescapePointer(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}

function toStep(whole: string): string {
  const step = whole.length <= LONGEST_STEP ? whole : `${whole.slice(0, LONGEST_STEP)}…`;
  if (/^\d+$/.test(step)) return `[${step}]`;
  return /^[A-Za-z_]\w*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}
