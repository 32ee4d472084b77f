/** What the object store's suite needs of whoever runs it. */
import type { ObjectStore } from '../object-store.ts';
import type { PluginHost, PluginInstance } from '../plugin.ts';
import type { Harness } from './trial.ts';

export type OpenObjectStore = ObjectStore & PluginInstance;

export interface ObjectStoreHarness extends Harness {
  /**
   * Must create an instance, ready for use. Called again with the same `host` after `close`, it must find everything that is kept, as
   * after a restart of the server; called again without a `close`, as after a crash.
   */
  create(host: PluginHost): Promise<OpenObjectStore>;
  /**
   * Creates an instance over data of its own that has room for 1 MiB and for less than `SMALL_ROOM`. Declares that this back end can be
   * full: with it the law of the full store is checked.
   */
  readonly createSmall?: (host: PluginHost) => Promise<OpenObjectStore>;
  /** How many keys are kept at once where many are tried. Default: 300. */
  readonly crowd?: number;
}

export const DEFAULT_CROWD = 300;

/** Bytes that no instance of `createSmall` can keep. */
export const SMALL_ROOM = 256 * 1024 * 1024;

/** What is declared of a back end. */
export interface ObjectStoreTraits {
  readonly canBeFull: boolean;
}
