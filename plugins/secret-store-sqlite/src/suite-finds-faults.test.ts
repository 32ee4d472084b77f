/** The conformance suite held to its own promise: it finds each fault, at the law that speaks of it. */
import type { PluginHost } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { LawResult, OpenSecretStore, SecretStoreHarness, SecretStoreLaw } from '@gofer/contracts/conformance';
import { checkSecretStore, SECRET_STORE_LAWS } from '@gofer/contracts/conformance';
import { describe, expect, it } from 'vitest';
import { BROKEN_LIVES } from './broken/broken-lives.ts';
import { BROKEN_ROTATIONS } from './broken/broken-rotations.ts';
import { BROKEN_SECRECY } from './broken/broken-secrecy.ts';
import type { BrokenSecretStore } from './broken/broken-secret-store.ts';
import { BROKEN_VALUES } from './broken/broken-values.ts';
import { openWithNextKey, sqliteHarness } from './store-harness.ts';

const BROKEN_STORES = [...BROKEN_VALUES, ...BROKEN_LIVES, ...BROKEN_ROTATIONS, ...BROKEN_SECRECY];

type Breaks = (sound: OpenSecretStore, host: PluginHost) => Partial<OpenSecretStore>;

/** A harness of the store with some methods replaced. */
function changedHarness(name: string, breaks: Breaks, capabilities = { rotation: true }): SecretStoreHarness {
  const sound = sqliteHarness(name);
  const changed = (store: OpenSecretStore, host: PluginHost): OpenSecretStore => ({
    capabilities,
    put: (...args) => store.put(...args),
    get: (...args) => store.get(...args),
    delete: (...args) => store.delete(...args),
    list: (...args) => store.list(...args),
    rotate: (...args) => store.rotate(...args),
    health: () => store.health(),
    close: () => store.close(),
    ...breaks(store, host),
  });
  return {
    ...sound,
    capabilities,
    // More than one batch of a rotation.
    crowd: 60,
    create: async (host) => changed(await sound.create(host), host),
    createWithNextKey: async (host, former) => changed(await openWithNextKey(host, former), host),
  };
}

function brokenHarness(broken: BrokenSecretStore): SecretStoreHarness {
  const harness = changedHarness(broken.fault, broken.breaks, broken.declares);
  return broken.fails.includes('capabilities: are') ? { ...harness, capabilities: { rotation: true } } : harness;
}

const lawNamed = (beginning: string): SecretStoreLaw => {
  const laws = SECRET_STORE_LAWS.filter((law) => law.name.startsWith(beginning));
  const [law] = laws;
  if (law === undefined || laws.length !== 1) throw new Error(`"${beginning}" must be the beginning of one law; it is of ${laws.length}`);
  return law;
};

/** The outcome of one law; what the end of the trial finds beside it is not asked for. */
async function outcome(harness: SecretStoreHarness, law: SecretStoreLaw): Promise<LawResult> {
  const results = checkSecretStore(harness, { hostings: ['directly'], laws: [law] });
  const first = await results.next();
  await results.return(undefined).catch(() => undefined);
  if (first.done === true) throw new Error('the law was not checked');
  return first.value;
}

describe('the secret-store suite', () => {
  describe.each(BROKEN_STORES)('finds a store that $fault', (broken) => {
    it.each(broken.fails)('by the law "%s …"', async (beginning) => {
      const { broken: found } = await outcome(brokenHarness(broken), lawNamed(beginning));
      expect(found).toBeInstanceOf(Error);
      // What a test got wrong about the store would be found as well, and mean nothing.
      expect(found).not.toBeInstanceOf(TypeError);
    });
  });

  it('can fail each of its laws', () => {
    const failed = BROKEN_STORES.flatMap((broken) => broken.fails);
    expect(SECRET_STORE_LAWS.map((law) => law.name).filter((name) => !failed.some((beginning) => name.startsWith(beginning)))).toEqual([]);
  });

  it('passes a store that does not rotate, and one whose key is not the configuration’s', async () => {
    const unable: Breaks = () => ({
      // oxlint-disable-next-line require-yield
      async *rotate() {
        throw new GoferError('UNSUPPORTED', 'this store does not rotate');
      },
    });
    const broken: LawResult[] = [];
    const sound = sqliteHarness('with one key');
    const oneKey = { name: sound.name, capabilities: sound.capabilities, create: sound.create.bind(sound) };
    for (const harness of [changedHarness('without rotation', unable, { rotation: false }), oneKey]) {
      for await (const result of checkSecretStore({ ...harness, crowd: 10 })) if (result.broken !== undefined) broken.push(result);
    }
    expect(broken).toEqual([]);
  });
});
