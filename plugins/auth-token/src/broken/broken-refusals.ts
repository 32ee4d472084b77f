/** What can be wrong with the refusal of credentials that are not good. */
import type { AuthPrincipal } from '@gofer/contracts';
import { GoferError, TOKEN_PREFIX } from '@gofer/contracts';
import { sha256 } from '../token-harness.ts';
import type { BrokenAuth } from './broken-auth.ts';
import { ANYBODY, confusing, hasExpired, looking, refusal, refusing, toPrincipal } from './broken-auth.ts';

const R = 'authenticate: rejects with UNAUTHENTICATED';
const UNKNOWN = `${R} what was never`;
const KNOWN_TO_OTHERS = `${R} what others`;
const PART = `${R} a part`;
const ALTERED = `${R} good credentials with one`;
const LETTERS = `${R} good credentials in other`;
const NOTHING = `${R} what looks`;
const LONG = `${R} what is too long`;
const ODD = `${R} characters`;
const EXPIRED = `${R} credentials that are expired`;
const DISABLED = `${R} credentials that are disabled`;
const WERE_EXPIRED = `${R} credentials that were accepted and have expired`;
const WERE_DISABLED = `${R} credentials that were accepted and were disabled`;
const WERE_REVOKED = `${R} credentials that were accepted and were revoked`;
const ALL = [
  UNKNOWN,
  KNOWN_TO_OTHERS,
  PART,
  ALTERED,
  LETTERS,
  NOTHING,
  LONG,
  ODD,
  EXPIRED,
  DISABLED,
  WERE_EXPIRED,
  WERE_DISABLED,
  WERE_REVOKED,
];

const failing =
  (error: (message: string) => unknown): BrokenAuth['breaks'] =>
  (sound) => ({
    authenticate: refusing(sound, async () => {
      throw error('no');
    }),
  });

/** One that takes some tokens for others that it has accepted. */
const taking = (isLike: (token: string, accepted: string) => boolean): BrokenAuth['breaks'] => {
  return (sound) => ({ authenticate: confusing(sound, isLike) });
};

/** One that changes a token before it looks for it, and never looks what kind of token it is. */
const changing = (change: (token: string) => string): BrokenAuth['breaks'] => {
  return (_sound, host) => {
    const authenticate = looking(host, (record) => record.disabled || hasExpired(record, host));
    return { authenticate: ({ kind, token }) => authenticate({ kind, token: change(token) }) };
  };
};

export const BROKEN_REFUSALS: readonly BrokenAuth[] = [
  { fault: 'lets everybody in', fails: ALL, breaks: (sound) => ({ authenticate: refusing(sound, async () => ANYBODY) }) },
  { fault: 'refuses without a code', fails: ALL, breaks: failing((message) => new Error(message)) },
  {
    fault: 'refuses with a code that is not of the list',
    fails: ALL,
    breaks: failing((message) => Object.assign(new Error(message), { code: 'EPERM' })),
  },
  { fault: 'finds no such token', fails: ALL, breaks: failing((message) => new GoferError('NOT_FOUND', message)) },
  { fault: 'takes it for a lack of permission', fails: ALL, breaks: failing((message) => new GoferError('PERMISSION_DENIED', message)) },
  {
    fault: 'resolves with nothing for whom it does not know',
    fails: ALL,
    breaks: (sound) => ({ authenticate: refusing(sound, async () => undefined as unknown as AuthPrincipal) }),
  },
  {
    fault: 'takes the prefix for proof',
    fails: [UNKNOWN],
    breaks: (sound) => ({
      authenticate: refusing(sound, async ({ token }) => (token.startsWith(TOKEN_PREFIX) ? ANYBODY : Promise.reject(refusal()))),
    }),
  },
  {
    fault: 'takes the hash of a token for the token',
    fails: [KNOWN_TO_OTHERS],
    breaks: (sound, host) => ({
      authenticate: refusing(sound, async ({ token }, error) => {
        const record = await host.tokens.find(token);
        if (record === undefined) throw error;
        return toPrincipal(record);
      }),
    }),
  },
  {
    fault: 'takes the id of a token for the token',
    fails: [KNOWN_TO_OTHERS],
    breaks(sound) {
      const ids = new Map<string, AuthPrincipal>();
      return {
        async authenticate(credentials) {
          const known = ids.get(credentials.token);
          if (known !== undefined) return known;
          const principal = await sound.authenticate(credentials);
          ids.set(principal.id, principal);
          return principal;
        },
      };
    },
  },
  {
    fault: 'takes the beginning of a token for the token',
    fails: [PART],
    breaks: taking((token, accepted) => token !== '' && accepted.startsWith(token)),
  },
  { fault: 'finds a token inside a longer one', fails: [PART, LONG, ODD], breaks: taking((token, accepted) => token.includes(accepted)) },
  {
    fault: 'compares the first characters only',
    fails: [ALTERED],
    breaks: taking((token, accepted) => token.slice(0, 30) === accepted.slice(0, 30)),
  },
  {
    fault: 'compares the last characters only',
    fails: [ALTERED],
    breaks: taking((token, accepted) => token.slice(-30) === accepted.slice(-30)),
  },
  {
    fault: 'allows for one slip',
    fails: [ALTERED],
    breaks: taking(
      (token, accepted) => token.length === accepted.length && Array.from(token).filter((each, at) => each !== accepted[at]).length < 2,
    ),
  },
  {
    fault: 'makes no difference between capitals and small letters',
    fails: [LETTERS],
    breaks: taking((token, accepted) => token.toLowerCase() === accepted.toLowerCase()),
  },
  {
    fault: 'takes the names of an object for tokens',
    fails: [NOTHING],
    breaks: (sound) => {
      const kept: Record<string, AuthPrincipal> = {};
      return { authenticate: async (credentials) => kept[credentials.token] ?? (await sound.authenticate(credentials)) };
    },
  },
  {
    fault: 'takes no token for an anonymous one',
    fails: [NOTHING],
    breaks: (sound) => ({
      authenticate: refusing(sound, async ({ token }, error) => (token === '' ? ANYBODY : Promise.reject(error))),
    }),
  },
  {
    fault: 'takes a token for a pattern',
    fails: [NOTHING],
    breaks: taking((token, accepted) => token.startsWith('.*') && new RegExp(token).test(accepted)),
  },
  { fault: 'cuts what is too long', fails: [PART, LONG], breaks: changing((token) => token.slice(0, TOKEN_PREFIX.length + 32)) },
  {
    fault: 'refuses what is too long with another code',
    fails: [LONG],
    breaks: (sound) => ({
      authenticate: async (credentials) => {
        if (credentials.token.length > 4096) throw new GoferError('PAYLOAD_TOO_LARGE', 'too long');
        return sound.authenticate(credentials);
      },
    }),
  },
  { fault: 'trims', fails: [LONG, ODD], breaks: changing((token) => token.trim()) },
  { fault: 'ends a token at a NUL', fails: [ODD], breaks: changing((token) => token.split('\0')[0] ?? '') },
  { fault: 'normalises texts', fails: [ODD], breaks: changing((token) => token.normalize('NFKC')) },
  {
    fault: 'keeps the low byte of a character',
    fails: [ODD],
    breaks: changing((token) => Buffer.from(token, 'latin1').toString('latin1')),
  },
  { fault: 'leaves out what it does not know', fails: [ODD], breaks: changing((token) => token.replaceAll(/[^\x21-\x7e]/g, '')) },
  {
    fault: 'never looks at the expiry',
    fails: [EXPIRED, WERE_EXPIRED],
    breaks: (_, host) => ({ authenticate: looking(host, ({ disabled }) => disabled) }),
  },
  {
    fault: 'expires a moment late',
    fails: [EXPIRED, WERE_EXPIRED],
    breaks: (_, host) => ({ authenticate: looking(host, ({ disabled, expires }) => disabled || host.now() > expires) }),
  },
  {
    fault: 'never looks whether a token is disabled',
    fails: [DISABLED, WERE_DISABLED],
    breaks: (_, host) => ({ authenticate: looking(host, (record) => hasExpired(record, host)) }),
  },
  { fault: 'keeps its answers and does not say so', fails: [WERE_EXPIRED, WERE_DISABLED, WERE_REVOKED], breaks: keeping() },
  {
    fault: 'keeps its answers longer than it says',
    fails: [WERE_DISABLED, WERE_REVOKED],
    declares: { keepsAnswersMs: 20 },
    breaks: keeping(),
  },
  { fault: 'keeps its answers beyond the expiry', fails: [WERE_EXPIRED], declares: { keepsAnswersMs: 600_000 }, breaks: keeping() },
  {
    fault: 'refuses what was revoked until it is asked again',
    fails: [WERE_REVOKED],
    breaks(sound) {
      const refused = new Set<string>();
      return {
        authenticate: refusing(sound, async ({ token }, error) => {
          if (refused.has(token)) return ANYBODY;
          refused.add(token);
          throw error;
        }),
      };
    },
  },
];

function keeping(): BrokenAuth['breaks'] {
  return (sound) => {
    const kept = new Map<string, AuthPrincipal>();
    return {
      async authenticate(credentials) {
        const hash = sha256(credentials.token);
        const known = kept.get(hash) ?? (await sound.authenticate(credentials));
        kept.set(hash, known);
        return known;
      },
    };
  };
}
