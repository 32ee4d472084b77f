/** The conformance suite held to its own promise: it finds each fault, at the law that speaks of it. */
import { GoferError, type PluginHost } from '@gofer/contracts';
import type { LawResult, ObjectStoreHarness, ObjectStoreLaw, OpenObjectStore } from '@gofer/contracts/conformance';
import { checkObjectStore, OBJECT_STORE_LAWS } from '@gofer/contracts/conformance';
import { describe, expect, it } from 'vitest';
import { BROKEN_PUTS } from './broken/broken-puts.ts';
import { BROKEN_READS } from './broken/broken-reads.ts';
import type { BrokenStore } from './broken/broken-store.ts';
import { filesystemHarness } from './filesystem-harness.ts';

const BROKEN_STORES = [...BROKEN_PUTS, ...BROKEN_READS];

/** How long a law waits here for what a broken store never does. */
const PATIENCE_MS = 3000;
const SMALL_BYTES = 4 * 1024 * 1024;

function withMethods(sound: OpenObjectStore, methods: Partial<OpenObjectStore>): OpenObjectStore {
  return {
    put: (...args) => sound.put(...args),
    get: (...args) => sound.get(...args),
    stat: (...args) => sound.stat(...args),
    delete: (...args) => sound.delete(...args),
    list: (...args) => sound.list(...args),
    health: () => sound.health(),
    close: () => sound.close(),
    ...methods,
  };
}

/** A store that says it is full at `SMALL_BYTES`. */
function limited(sound: OpenObjectStore): OpenObjectStore {
  return withMethods(sound, {
    put: (key, signal, body) =>
      sound.put(
        key,
        signal,
        (async function* () {
          let size = 0;
          for await (const piece of body) {
            size += piece.byteLength;
            if (size > SMALL_BYTES) throw new GoferError('STORAGE_FULL', 'there is no room');
            yield piece;
          }
        })(),
      ),
  });
}

function brokenHarness({ breaks }: Pick<BrokenStore, 'breaks'>): ObjectStoreHarness {
  const sound = filesystemHarness('broken');
  const broken = (store: OpenObjectStore, host: PluginHost): OpenObjectStore => withMethods(store, breaks(store, host));
  return {
    ...sound,
    crowd: 150,
    timeoutMs: PATIENCE_MS,
    create: async (host) => broken(await sound.create(host), host),
    createSmall: async (host) => broken(limited(await sound.create(host)), host),
  };
}

const lawNamed = (beginning: string): ObjectStoreLaw => {
  const laws = OBJECT_STORE_LAWS.filter((law) => law.name.startsWith(beginning));
  const [law] = laws;
  if (law === undefined || laws.length !== 1) throw new Error(`"${beginning}" must be the beginning of one law; it is of ${laws.length}`);
  return law;
};

/** The outcome of one law; what the end of the trial finds beside it is not asked for. */
async function outcome(harness: ObjectStoreHarness, law: ObjectStoreLaw): Promise<LawResult> {
  const results = checkObjectStore(harness, { hostings: ['directly'], laws: [law] });
  const first = await results.next();
  await results.return(undefined).catch(() => undefined);
  if (first.done === true) throw new Error('the law was not checked');
  return first.value;
}

describe('the object store suite', () => {
  describe.each(BROKEN_STORES)('finds a store that $fault', (broken) => {
    it.each(broken.fails)('by the law "%s …"', async (beginning) => {
      const { broken: found } = await outcome(brokenHarness(broken), lawNamed(beginning));
      expect(found).toBeInstanceOf(Error);
    });
  });

  it('can fail each of its laws', () => {
    const failed = BROKEN_STORES.flatMap((broken) => broken.fails);
    expect(OBJECT_STORE_LAWS.map((law) => law.name).filter((name) => !failed.some((beginning) => name.startsWith(beginning)))).toEqual([]);
  });

  it('passes a sound store', async () => {
    const broken: LawResult[] = [];
    for await (const result of checkObjectStore(
      { ...brokenHarness({ breaks: () => ({}) }), timeoutMs: 60_000 },
      { hostings: ['directly'] },
    )) {
      if (result.broken !== undefined) broken.push(result);
    }
    expect(broken).toEqual([]);
  });
});
