/**
 * The conformance suite of the object-store contract: every "must" of `object-store.ts` and `plugin.ts` as a law. Each plugin is held to
 * each law twice, directly and behind a `MessageChannel`.
 *
 *     import { afterAll, beforeAll, describe, it } from 'vitest';
 *     import { objectStoreSuite } from '@gofer/contracts/conformance';
 *
 *     objectStoreSuite({ describe, it, before: beforeAll, after: afterAll }, {
 *       name: 'filesystem',
 *       create: (host) => plugin.create({ path: join(host.dataDirectory, 'objects') }, host),
 *     });
 *
 * With node:test: `import * as runner from 'node:test'` and pass `runner`. What else can be told to the suite is in
 * `ObjectStoreHarness`. `checkObjectStore` does the same without a test runner and reports each law. Run Node with `--expose-gc`, so that
 * what is garbage does not count where a law measures memory.
 */
import type { Hosting } from './law.ts';
import { objectGetLaws } from './object-store-get-laws.ts';
import type { ObjectStoreHarness, ObjectStoreTraits } from './object-store-harness.ts';
import type { ObjectStoreLaw } from './object-store-law.ts';
import { objectLifeLaws } from './object-store-life-laws.ts';
import { objectPutLaws } from './object-store-put-laws.ts';
import { objectRefusalLaws } from './object-store-refusal-laws.ts';
import { ObjectStoreStage } from './object-store-stage.ts';
import { checkSuite, declareSuite, type LawResult, type Suite, type SuiteRunner } from './trial.ts';

/** Every law, in the order in which they are checked. */
export const OBJECT_STORE_LAWS: readonly ObjectStoreLaw[] = [...objectPutLaws, ...objectRefusalLaws, ...objectGetLaws, ...objectLifeLaws];

/** Declares the suite's tests with a test runner. */
export function objectStoreSuite(runner: SuiteRunner, harness: ObjectStoreHarness): void {
  declareSuite(runner, suiteOf(harness));
}

/** Holds a plugin to the laws (default: all of them, hosted both ways) and yields what came of each. */
export function checkObjectStore(
  harness: ObjectStoreHarness,
  options: { readonly hostings?: readonly Hosting[]; readonly laws?: readonly ObjectStoreLaw[] } = {},
): AsyncGenerator<LawResult> {
  return checkSuite(suiteOf(harness), options);
}

function suiteOf(harness: ObjectStoreHarness): Suite<ObjectStoreStage, ObjectStoreTraits> {
  return {
    contract: 'object store',
    harness,
    capabilities: { canBeFull: harness.createSmall !== undefined },
    laws: OBJECT_STORE_LAWS,
    openStage: (hosting, dataDirectory) => ObjectStoreStage.open(harness, hosting, dataDirectory),
  };
}
