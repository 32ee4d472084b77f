import type { JsonSchema } from '@gofer/contracts';

export interface SqliteSecretStoreConfig {
  readonly path: string;
  readonly encryption_key: string;
  readonly previous_encryption_keys?: readonly string[];
}

/** Characters of a key. */
export const KEY_LENGTH = 32;

export const HOW_TO_MAKE_A_KEY = 'make one with `openssl rand -hex 16`';

const key = { type: 'string', minLength: KEY_LENGTH, maxLength: KEY_LENGTH } as const;

/** The block `[secret_store.sqlite]`. */
export const sqliteSecretStoreConfigSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['path', 'encryption_key'],
  properties: {
    path: { type: 'string', minLength: 1, description: 'The file.' },
    encryption_key: {
      ...key,
      description: 'The key of the secrets: exactly 32 random characters. Keep a copy of it: without the key the secrets are lost.',
      'x-secret': true,
      'x-remedy': HOW_TO_MAKE_A_KEY,
    },
    previous_encryption_keys: {
      type: 'array',
      items: key,
      default: [],
      description: 'Former keys, with which secrets are still read. Needed from the change of encryption_key until the keys are rotated.',
      'x-secret': true,
    },
  },
};
