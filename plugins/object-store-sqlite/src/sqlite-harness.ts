/** How the conformance suite of the object-store contract meets this store: in a file below a directory of the suite's. */
import { join } from 'node:path';
import type { ObjectStoreHarness } from '@gofer/contracts/conformance';
import { plugin } from './plugin.ts';

export function sqliteHarness(name: string): ObjectStoreHarness {
  return { name, create: (host) => plugin.create({ path: join(host.dataDirectory, 'store', 'objects.db') }, host) };
}
