/**
 * The conformance suite of the auth contract: every "must" of `auth.ts` and `plugin.ts` as a law. Each plugin is held to each law twice,
 * directly and behind a `MessageChannel`. A test file cannot switch a law off: it declares what credentials of its back end can be and how
 * they end, and what is declared absent has laws too.
 *
 *     import { afterAll, beforeAll, describe, it } from 'vitest';
 *     import { authSuite } from '@gofer/contracts/conformance';
 *
 *     authSuite({ describe, it, before: beforeAll, after: afterAll }, {
 *       name: 'oidc',
 *       capabilities: { login: false },
 *       create: (host) => oidcAuth.create({ issuer: provider.url }, host),
 *       issue: (kind) => provider.sign({ expired: kind === 'expired' }),
 *       lacks: ['disabled'],
 *       unreachable: () => provider.stop(),
 *     });
 *
 * With node:test: `import * as runner from 'node:test'` and pass `runner`. Files are looked through for credentials where they are inside
 * `host.dataDirectory`. What else can be told to the suite is in `AuthHarness`. `checkAuth` does the same without a test runner and reports
 * each law.
 */
import { type AuthHarness, type AuthTraits, traitsOf } from './auth-harness.ts';
import type { AuthLaw } from './auth-law.ts';
import { lifeLaws } from './auth-life-laws.ts';
import { loginLaws } from './auth-login-laws.ts';
import { principalLaws } from './auth-principal-laws.ts';
import { refusalLaws } from './auth-refusal-laws.ts';
import { secrecyLaws } from './auth-secrecy-laws.ts';
import { AuthStage } from './auth-stage.ts';
import type { Hosting } from './law.ts';
import { checkSuite, declareSuite, type LawResult, type Suite, type SuiteRunner } from './trial.ts';

/** Every law, in the order in which they are checked. */
export const AUTH_LAWS: readonly AuthLaw[] = [...principalLaws, ...refusalLaws, ...lifeLaws, ...loginLaws, ...secrecyLaws];

/** Declares the suite's tests with a test runner. */
export function authSuite(runner: SuiteRunner, harness: AuthHarness): void {
  declareSuite(runner, suiteOf(harness));
}

/** Holds a plugin to the laws (default: all of them, hosted both ways) and yields what came of each. */
export function checkAuth(
  harness: AuthHarness,
  options: { readonly hostings?: readonly Hosting[]; readonly laws?: readonly AuthLaw[] } = {},
): AsyncGenerator<LawResult> {
  return checkSuite(suiteOf(harness), options);
}

function suiteOf(harness: AuthHarness): Suite<AuthStage, AuthTraits> {
  return {
    contract: 'auth',
    harness,
    capabilities: traitsOf(harness),
    laws: AUTH_LAWS,
    openStage: (hosting, dataDirectory) => AuthStage.open(harness, hosting, dataDirectory),
  };
}
