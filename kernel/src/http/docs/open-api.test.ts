import { readFile } from 'node:fs/promises';
import { ROUTES } from '@gofer/contracts/api';
import { describe, expect, test } from 'vitest';
import v0 from '../fixtures/v0-operations.json' with { type: 'json' };
import { toOpenApi } from './open-api.ts';

type Schema = { readonly [key: string]: unknown };
const ours = toOpenApi('1.0.0');
const fields: Readonly<Record<string, { required: readonly string[]; fields: Readonly<Record<string, string>> }>> = v0.objects;
const enums: Readonly<Record<string, readonly string[]>> = v0.enums;

/** Follows references. */
function resolve(schema: Schema | undefined): Schema {
  if (schema === undefined) return {};
  const name = schema['$ref'];
  return typeof name === 'string' ? resolve(ours.components.schemas[name.replace('#/components/schemas/', '')]) : schema;
}

function dig(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, key) => (Object(inner) as Schema)[key], value);
}

/** Splits a union with null: what else it is, and whether null is let in. */
function withoutNull(schema: Schema): { schema: Schema; nullable: boolean } {
  const { anyOf, type } = schema;
  if (Array.isArray(type)) return { schema: { ...schema, type: type.find((each) => each !== 'null') }, nullable: type.includes('null') };
  if (!Array.isArray(anyOf)) return { schema, nullable: false };
  const members = anyOf.map((member: Schema) => resolve(member));
  return {
    schema: members.find((member) => member['type'] !== 'null') ?? {},
    nullable: members.some((member) => member['type'] === 'null'),
  };
}

/** Lists where ours is not what v0's clients were written for. `notation`: a name, `[items]`, `{values}`, with `?` where null is let in. */
function differences(notation: string, given: Schema | undefined, direction: 'request' | 'response', where: string): string[] {
  const nullableInV0 = notation.endsWith('?');
  const name = nullableInV0 ? notation.slice(0, -1) : notation;
  const { schema, nullable } = withoutNull(resolve(given));
  const faults: string[] = [];
  if (direction === 'response' && nullable && !nullableInV0) faults.push(`${where} may be null`);
  if (name.startsWith('[')) return [...faults, ...differences(name.slice(1, -1), schema['items'] as Schema, direction, `${where}[]`)];
  if (name.startsWith('{'))
    return [...faults, ...differences(name.slice(1, -1), schema['additionalProperties'] as Schema, direction, `${where}{}`)];
  const values = enums[name];
  if (values !== undefined) {
    const mine = (schema['enum'] as readonly (string | null)[] | undefined)?.filter((value) => value !== null);
    if (mine === undefined) return [...faults, `${where} is no enum`];
    const [few, many] = direction === 'response' ? [mine, values] : [values, mine];
    return [...faults, ...few.filter((value) => !many.includes(value)).map((value) => `${where} has ${value}`)];
  }
  const object = fields[name];
  if (object === undefined)
    return schema['type'] === name || schema['type'] === undefined
      ? faults
      : [...faults, `${where} is ${JSON.stringify(schema['type'])}, not ${name}`];
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>;
  const required = (schema['required'] ?? []) as readonly string[];
  if (direction === 'response')
    faults.push(...object.required.filter((key) => !required.includes(key)).map((key) => `${where}.${key} may be missing`));
  else faults.push(...required.filter((key) => !object.required.includes(key)).map((key) => `${where}.${key} is required`));
  for (const [key, inner] of Object.entries(object.fields)) {
    if (properties[key] === undefined) faults.push(`${where}.${key} is missing`);
    else faults.push(...differences(inner, properties[key], direction, `${where}.${key}`));
  }
  return faults;
}

/** The schema of the JSON that a part of an operation holds. */
function contentOf(operation: unknown, ...path: readonly string[]): Schema | undefined {
  return dig(operation, ...path, 'content', 'application/json', 'schema') as Schema | undefined;
}

describe("what v0's clients rely on", () => {
  const http = v0.operations.filter((operation) => operation.websocket !== true);
  const operationOf = (operation: (typeof v0.operations)[number]) => ours.paths[operation.path]?.[operation.method.toLowerCase()];

  test.each(v0.operations)('$operation is there, with its query', (operation) => {
    const mine = operationOf(operation);
    expect(mine?.['operationId']).toBe(operation.operation);
    expect('x-dropshot-websocket' in Object(mine)).toBe(operation.websocket === true);
    const query = ((mine?.['parameters'] ?? []) as readonly Schema[]).filter((each) => each['in'] === 'query');
    expect(query.filter((each) => each['required'] === true)).toEqual([]);
    expect(Object.fromEntries(query.map((each) => [each['name'], dig(each, 'schema', 'type')]))).toMatchObject(operation.query ?? {});
  });

  test.each(http)('$operation answers as before', (operation) => {
    const mine = operationOf(operation);
    const status = String(operation.status);
    expect(dig(mine, 'responses', status)).toBeDefined();
    const answer = contentOf(mine, 'responses', status);
    expect(answer === undefined).toBe(operation.response === undefined);
    expect(operation.response === undefined ? [] : differences(operation.response, answer, 'response', '$')).toEqual([]);
  });

  test.each(http.filter((operation) => operation.request !== undefined))('$operation takes what it took', (operation) => {
    expect(differences(operation.request ?? '', contentOf(operationOf(operation), 'requestBody'), 'request', '$')).toEqual([]);
  });

  test('events and errors', () => {
    expect(differences('Event', { $ref: '#/components/schemas/Event' }, 'response', '$')).toEqual([]);
    expect(differences('Error', { $ref: '#/components/schemas/Error' }, 'response', '$')).toEqual([]);
  });
});

describe('the document', () => {
  test('has every route of the table once, and every reference leads somewhere', () => {
    const operations = Object.values(ours.paths).flatMap((path) => Object.values(path).map((operation) => operation['operationId']));
    expect(operations).toHaveLength(Object.keys(ROUTES).length);
    expect(new Set(operations)).toEqual(new Set(Object.keys(ROUTES)));
    const text = JSON.stringify(ours);
    const references = [...text.matchAll(/"#\/components\/(schemas\/\w+|responses\/\w+|parameters\/\w+)"/g)].map(([, name]) =>
      String(name),
    );
    expect(references.filter((name) => dig(ours.components, ...name.split('/')) === undefined)).toEqual([]);
    expect(text).not.toContain('"$id"');
    expect(text).not.toContain('patternProperties');
  });

  test('asks for a body where an empty one would be refused, and nowhere else', () => {
    const required = (path: string, method: string) => dig(ours.paths, path, method, 'requestBody', 'required');
    expect(required('/api/namespaces', 'post')).toBe(true);
    expect(required('/api/namespaces/{namespace_id}', 'patch')).toBe(false);
    expect(required('/api/namespaces/{namespace_id}/pipelines/{pipeline_id}/runs', 'post')).toBe(false);
  });

  test('tells by its number what a server that works answers beyond 499', () => {
    const numbers = Object.values(ours.paths).flatMap((path) =>
      Object.values(path).flatMap((operation) =>
        Object.keys(Object(operation['responses']))
          .filter((status) => /^5\d\d$/.test(status))
          .map((status) => `${String(operation['operationId'])} ${status}`),
      ),
    );
    expect(numbers.toSorted()).toEqual(
      ['get_system_health', 'start_run', 'retry_run', 'create_subscription', 'update_subscription', 'get_extension_debug_info']
        .map((id) => `${id} 503`)
        .toSorted(),
    );
  });

  test('sdk/openapi.json is what the table says now (else: npm run generate:openapi)', async () => {
    const written: unknown = JSON.parse(await readFile(new URL('../../../../sdk/openapi.json', import.meta.url), 'utf8'));
    expect(toOpenApi(String(dig(written, 'info', 'version')))).toEqual(written);
  });
});
