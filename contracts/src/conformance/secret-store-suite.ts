/**
 * The conformance suite of the secret-store contract: every "must" of `secret-store.ts` and `plugin.ts` as a law. Each plugin is held
 * to each law twice, directly and behind a `MessageChannel`. A test file cannot switch a law off: it declares capabilities, and what is
 * declared absent has laws too.
 *
 *     import { afterAll, beforeAll, describe, it } from 'vitest';
 *     import { secretStoreSuite } from '@gofer/contracts/conformance';
 *
 *     secretStoreSuite({ describe, it, before: beforeAll, after: afterAll }, {
 *       name: 'vault',
 *       capabilities: { rotation: false },
 *       create: (host) => vaultSecretStore.create(config, host),
 *     });
 *
 * With node:test: `import * as runner from 'node:test'` and pass `runner`. Files are looked through for values where they are inside
 * `host.dataDirectory`. What else can be told to the suite is in `SecretStoreHarness`. `checkSecretStore` does the same without a test
 * runner and reports each law. A full disk and damage are the back end's own to arrange: its own tests hold STORAGE_FULL and DATA_LOSS.
 */

import type { SecretStoreCapabilities } from '../secret-store.ts';
import type { Hosting } from './law.ts';
import type { SecretStoreHarness } from './secret-store-harness.ts';
import type { SecretStoreLaw } from './secret-store-law.ts';
import { lifeLaws } from './secret-store-life-laws.ts';
import { rotationLaws } from './secret-store-rotation-laws.ts';
import { secrecyLaws } from './secret-store-secrecy-laws.ts';
import { SecretStoreStage } from './secret-store-stage.ts';
import { valueLaws } from './secret-store-value-laws.ts';
import { checkSuite, declareSuite, type LawResult, type Suite, type SuiteRunner } from './trial.ts';

/** Every law, in the order in which they are checked. */
export const SECRET_STORE_LAWS: readonly SecretStoreLaw[] = [...valueLaws, ...lifeLaws, ...rotationLaws, ...secrecyLaws];

/** Declares the suite's tests with a test runner. */
export function secretStoreSuite(runner: SuiteRunner, harness: SecretStoreHarness): void {
  declareSuite(runner, suiteOf(harness));
}

/** Holds a plugin to the laws (default: all of them, hosted both ways) and yields what came of each. */
export function checkSecretStore(
  harness: SecretStoreHarness,
  options: { readonly hostings?: readonly Hosting[]; readonly laws?: readonly SecretStoreLaw[] } = {},
): AsyncGenerator<LawResult> {
  return checkSuite(suiteOf(harness), options);
}

function suiteOf(harness: SecretStoreHarness): Suite<SecretStoreStage, SecretStoreCapabilities> {
  return {
    contract: 'secret store',
    harness,
    capabilities: harness.capabilities,
    laws: SECRET_STORE_LAWS,
    openStage: (hosting, dataDirectory) => SecretStoreStage.open(harness, hosting, dataDirectory),
  };
}
