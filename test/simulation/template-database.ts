import { join } from 'node:path';
import { Store } from '../../kernel/src/storage/store.ts';

/** Makes an empty database of the newest schema, to be copied, and answers with its path. */
export function makeTemplateDatabase(directory: string): string {
  const path = join(directory, 'template.db');
  Store.open(path).close();
  return path;
}
