/** The keys of `[object_store.sqlite]`. */
import type { JsonSchema } from '@gofer/contracts';

export interface SqliteConfig {
  /** The file of the objects. It is made where it is missing, with the directories above it. */
  readonly path: string;
}

export const sqliteConfigSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path: { type: 'string', minLength: 1, description: 'The file.' },
  },
};
