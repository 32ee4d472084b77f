/** The conformance suite held to its own promise: it finds each fault, at the law that speaks of it. */
import type { AuthPrincipal } from '@gofer/contracts';
import type { AuthHarness, AuthLaw, LawResult, OpenAuth } from '@gofer/contracts/conformance';
import { AUTH_LAWS, checkAuth } from '@gofer/contracts/conformance';
import { describe, expect, it } from 'vitest';
import { BROKEN_ANSWERS } from './broken/broken-answers.ts';
import type { BrokenAuth } from './broken/broken-auth.ts';
import { BROKEN_LIVES } from './broken/broken-lives.ts';
import { BROKEN_LOGINS } from './broken/broken-logins.ts';
import { BROKEN_REFUSALS } from './broken/broken-refusals.ts';
import { BROKEN_SECRECY } from './broken/broken-secrecy.ts';
import { LoginProvider, loginHarness } from './login-provider.ts';
import { sha256, tokenHarness } from './token-harness.ts';

const BROKEN_PLUGINS = [...BROKEN_ANSWERS, ...BROKEN_REFUSALS, ...BROKEN_LIVES, ...BROKEN_LOGINS, ...BROKEN_SECRECY];

/** How long a law waits here for what a broken plugin never does. */
const PATIENCE_MS = 1500;

type Breaks = BrokenAuth['breaks'];

/** A harness of the plugin with some methods replaced. */
function changedHarness(name: string, breaks: Breaks, withLogin = false): AuthHarness {
  const provider = new LoginProvider();
  const sound = withLogin ? loginHarness(name, provider) : tokenHarness(name);
  return {
    ...sound,
    timeoutMs: PATIENCE_MS,
    async create(host): Promise<OpenAuth> {
      const auth = await sound.create(host);
      return {
        capabilities: auth.capabilities,
        authenticate: (...args) => auth.authenticate(...args),
        beginLogin: (...args) => auth.beginLogin(...args),
        completeLogin: (...args) => auth.completeLogin(...args),
        health: () => auth.health(),
        close: () => auth.close(),
        ...breaks(auth, host, provider),
      };
    },
  };
}

const lawNamed = (beginning: string): AuthLaw => {
  const laws = AUTH_LAWS.filter((law) => law.name.startsWith(beginning));
  const [law] = laws;
  if (law === undefined || laws.length !== 1) throw new Error(`"${beginning}" must be the beginning of one law; it is of ${laws.length}`);
  return law;
};

/** The outcome of one law; what the end of the trial finds beside it is not asked for. */
async function outcome(harness: AuthHarness, law: AuthLaw): Promise<LawResult> {
  const results = checkAuth(harness, { hostings: ['directly'], laws: [law] });
  const first = await results.next();
  await results.return(undefined).catch(() => undefined);
  if (first.done === true) throw new Error('the law was not checked');
  return first.value;
}

describe('the auth suite', () => {
  describe.each(BROKEN_PLUGINS)('finds a plugin that $fault', (broken) => {
    it.each(broken.fails)('by the law "%s …"', async (beginning) => {
      const harness = { ...changedHarness(broken.fault, broken.breaks, broken.login), ...broken.declares };
      const { broken: found } = await outcome(harness, lawNamed(beginning));
      expect(found).toBeInstanceOf(Error);
      // What a test got wrong about the plugin would be found as well, and mean nothing.
      expect(found).not.toBeInstanceOf(TypeError);
    });
  });

  it('can fail each of its laws', () => {
    const failed = BROKEN_PLUGINS.flatMap((broken) => broken.fails);
    expect(AUTH_LAWS.map((law) => law.name).filter((name) => !failed.some((beginning) => name.startsWith(beginning)))).toEqual([]);
  });

  it.each([
    ['that has a login', loginHarness('with a login')],
    ['whose credentials never end and whose back end never fails', eternalHarness()],
    ['that keeps its answers as long as it says', keepingHarness()],
  ])('passes a plugin %s', async (_what, harness) => {
    const broken: LawResult[] = [];
    for await (const result of checkAuth(harness)) if (result.broken !== undefined) broken.push(result);
    expect(broken).toEqual([]);
  });
});

function eternalHarness(): AuthHarness {
  const sound = tokenHarness('eternal');
  return {
    name: sound.name,
    capabilities: sound.capabilities,
    create: (host) => sound.create(host),
    issue: (kind) => sound.issue(kind),
    lacks: ['expired', 'disabled'],
    ...(sound.tokens === undefined ? {} : { tokens: sound.tokens }),
    now: () => 0,
  };
}

/** Keeps an answer for a while, but never beyond the expiry. */
function keepingHarness(): AuthHarness {
  const keepsAnswersMs = 30;
  const keeping: Breaks = (sound, host) => {
    const kept = new Map<string, { readonly until: number; readonly expires: number; readonly principal: AuthPrincipal }>();
    return {
      async authenticate(credentials) {
        const hash = sha256(credentials.token);
        const known = kept.get(hash);
        if (known !== undefined && performance.now() < known.until && host.now() < known.expires) return known.principal;
        const until = performance.now() + keepsAnswersMs;
        const principal = await sound.authenticate(credentials);
        const record = await host.tokens.find(hash);
        kept.set(hash, { until, expires: record?.expires ?? 0, principal });
        return principal;
      },
    };
  };
  return { ...changedHarness('keeping', keeping), keepsAnswersMs };
}
