/** The API's schemas as plain JSON Schema 2020-12, for the validator and for OpenAPI alike. */
import type { JsonSchema } from '@gofer/contracts';

/** What is done with a schema that has a `$id`, inside another or not: its replacement. */
export type NamedSchema = (name: string, schema: JsonSchema) => JsonSchema;

/**
 * Copies a schema. A dictionary's `patternProperties: { '^.*$': … }` becomes `additionalProperties`, which also holds for keys with a
 * line feed; nullable unions of one plain type become `type: [t, 'null']`.
 */
export function toJsonSchema(schema: unknown, named: NamedSchema): JsonSchema {
  const { $id, ...rules } = Object(schema) as Record<string, unknown>;
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rules)) Object.assign(plain, convert(key, value, named));
  return typeof $id === 'string' ? named($id, plain) : plain;
}

function convert(key: string, value: unknown, named: NamedSchema): Record<string, unknown> {
  switch (key) {
    case 'properties':
      return { properties: Object.fromEntries(Object.entries(Object(value)).map(([name, field]) => [name, toJsonSchema(field, named)])) };
    case 'patternProperties':
      return { additionalProperties: toJsonSchema(Object.values(Object(value))[0], named) };
    case 'items':
      return { items: toJsonSchema(value, named) };
    case 'anyOf': {
      const members = (value as unknown[]).map((member) => toJsonSchema(member, named));
      const [first, second] = members;
      if (members.length !== 2 || second?.['type'] !== 'null' || typeof first?.['type'] !== 'string') return { anyOf: members };
      const values = Array.isArray(first['enum']) ? { enum: [...first['enum'], null] } : {};
      return { ...first, type: [first['type'], 'null'], ...values };
    }
    default:
      return { [key]: value };
  }
}
