/** The `sqlite` secret store: one file, in which every value is encrypted. */
import { definePlugin, GoferError } from '@gofer/contracts';
import { Keyring } from './keyring.ts';
import { RowStatements } from './row-statements.ts';
import { openSecretFile } from './secret-file.ts';
import { SqliteSecretStore } from './sqlite-secret-store.ts';
import {
  HOW_TO_MAKE_A_KEY,
  KEY_LENGTH,
  type SqliteSecretStoreConfig,
  sqliteSecretStoreConfigSchema,
} from './sqlite-secret-store-config.ts';

export const plugin = definePlugin<'secret_store', SqliteSecretStoreConfig>({
  contract: 'secret_store',
  apiVersion: 1,
  name: 'sqlite',
  configSchema: sqliteSecretStoreConfigSchema,
  async create(config, host) {
    const former = config.previous_encryption_keys ?? [];
    checkKey('encryption_key', config.encryption_key);
    for (const [index, key] of former.entries()) checkKey(`previous_encryption_keys[${index}]`, key);
    const { file, admitted } = openSecretFile(config.path, (connection, path) => {
      const keyring = new Keyring(connection, config.encryption_key, former);
      keyring.assertOpens(path);
      return { keyring, rows: new RowStatements(connection), closedTo: keyring.countUnreadable() };
    });
    if (admitted.closedTo > 0) {
      const remedy = 'put the former key into secret_store.sqlite.previous_encryption_keys';
      host.log('warn', `secrets are encrypted with a key that is not configured and cannot be read: ${remedy}`, {
        secrets: admitted.closedTo,
      });
    }
    return new SqliteSecretStore(file, admitted.keyring, admitted.rows, host.log);
  },
});

/** The host has checked it against the schema; whoever else calls gets the same words. */
function checkKey(name: string, key: unknown): void {
  if (typeof key === 'string' && Array.from(key).length === KEY_LENGTH) return;
  throw new GoferError('CONFIG_INVALID', `secret_store.sqlite.${name} must be exactly ${KEY_LENGTH} characters long: ${HOW_TO_MAKE_A_KEY}`);
}
