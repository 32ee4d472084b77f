/** The keys of `[object_store.filesystem]`. */
import type { JsonSchema } from '@gofer/contracts';

export interface FilesystemConfig {
  /** The directory of the objects. It is made where it is missing; several servers may share it. */
  readonly path: string;
}

export const filesystemConfigSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path: { type: 'string', minLength: 1, description: 'The directory.' },
  },
};
