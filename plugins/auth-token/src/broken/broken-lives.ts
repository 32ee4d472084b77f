/** What can be wrong with an instance as a whole, and while its back end cannot be asked. */
import type { AuthPrincipal } from '@gofer/contracts';
import { codeOf, GoferError } from '@gofer/contracts';
import type { BrokenAuth } from './broken-auth.ts';
import { ANYBODY, refusal } from './broken-auth.ts';

const UNREACHABLE = 'authenticate: rejects with UNAVAILABLE';
const ACCEPTED_BEFORE = 'authenticate: what was accepted before';
const AGAIN = 'authenticate: gives its answers again';
const UNHEALTHY = 'health: rejects';

/** Replaces what is said while the back end cannot be asked. */
const withoutBackEnd =
  (instead: () => Promise<AuthPrincipal>): BrokenAuth['breaks'] =>
  (sound) => ({
    authenticate: (credentials) =>
      sound
        .authenticate(credentials)
        .catch((error: unknown) => (codeOf(error) === 'UNAVAILABLE' ? instead() : Promise.reject(error as Error))),
  });

export const BROKEN_LIVES: readonly BrokenAuth[] = [
  { fault: 'declares what it is not', fails: ['capabilities: are'], breaks: () => ({ capabilities: { login: true } }) },
  {
    fault: 'is never healthy',
    fails: ['health: resolves'],
    breaks: () => ({ health: () => Promise.reject(new GoferError('UNAVAILABLE', 'no')) }),
  },
  { fault: 'says how it is', fails: ['health: resolves'], breaks: () => ({ health: async () => 'well' as unknown as undefined }) },
  { fault: 'is always healthy', fails: [UNHEALTHY], breaks: () => ({ health: async () => undefined }) },
  {
    fault: 'never recovers its health',
    fails: [UNHEALTHY],
    breaks(sound) {
      let failure: unknown;
      return {
        async health() {
          if (failure !== undefined) throw failure;
          await sound.health().catch((error: unknown) => {
            failure = error;
            throw error;
          });
        },
      };
    },
  },
  {
    fault: 'lets everybody in when it cannot ask',
    fails: [UNREACHABLE, ACCEPTED_BEFORE, AGAIN],
    breaks: withoutBackEnd(async () => ANYBODY),
  },
  {
    fault: 'refuses when it cannot ask',
    fails: [UNREACHABLE, ACCEPTED_BEFORE, AGAIN],
    breaks: withoutBackEnd(() => Promise.reject(refusal())),
  },
  {
    fault: 'has a bug when it cannot ask',
    fails: [UNREACHABLE, ACCEPTED_BEFORE, AGAIN],
    breaks: withoutBackEnd(() => Promise.reject(new Error('undefined'))),
  },
  { fault: 'answers from memory when it cannot ask, and does not say so', fails: [ACCEPTED_BEFORE], breaks: remembering() },
  { fault: 'answers from memory longer than it says', fails: [ACCEPTED_BEFORE], declares: { keepsAnswersMs: 20 }, breaks: remembering() },
  {
    fault: 'answers from memory with somebody else',
    fails: [ACCEPTED_BEFORE],
    declares: { keepsAnswersMs: 60_000 },
    breaks: withoutBackEnd(async () => ANYBODY),
  },
  {
    fault: 'never asks again once it could not',
    fails: [AGAIN],
    breaks(sound) {
      let failure: unknown;
      return {
        async authenticate(credentials) {
          if (failure !== undefined) throw failure;
          return sound.authenticate(credentials).catch((error: unknown) => {
            if (codeOf(error) === 'UNAVAILABLE') failure = error;
            throw error;
          });
        },
      };
    },
  },
  {
    fault: 'takes what it could not ask for as unknown for ever',
    fails: [AGAIN],
    breaks(sound) {
      const unknown = new Set<string>();
      return {
        async authenticate(credentials) {
          if (unknown.has(credentials.token)) throw refusal();
          return sound.authenticate(credentials).catch((error: unknown) => {
            unknown.add(credentials.token);
            throw error;
          });
        },
      };
    },
  },
  {
    fault: 'rejects a second close',
    fails: ['close: a second call'],
    breaks(sound) {
      let isClosed = false;
      return {
        async close() {
          if (isClosed) throw new GoferError('FAILED_PRECONDITION', 'closed already');
          isClosed = true;
          await sound.close();
        },
      };
    },
  },
];

function remembering(): BrokenAuth['breaks'] {
  return (sound) => {
    const known = new Map<string, AuthPrincipal>();
    return {
      async authenticate(credentials) {
        try {
          const principal = await sound.authenticate(credentials);
          known.set(credentials.token, principal);
          return principal;
        } catch (error) {
          const remembered = known.get(credentials.token);
          if (codeOf(error) === 'UNAVAILABLE' && remembered !== undefined) return remembered;
          throw error;
        }
      },
    };
  };
}
