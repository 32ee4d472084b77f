/** What can be wrong with the answer to good credentials. */
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { AuthPrincipal } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { OpenAuth } from '@gofer/contracts/conformance';
import type { BrokenAuth } from './broken-auth.ts';
import { refusal, refusing } from './broken-auth.ts';

const WHOM = 'authenticate: resolves with whom';
const EVERY_TIME = 'authenticate: gives the same answer every time';
const AT_ONCE = 'authenticate: asked for the same';
const MANY = 'authenticate: of many at once';

/** Changes every principal. */
const answering =
  (change: (principal: AuthPrincipal) => unknown): BrokenAuth['breaks'] =>
  (sound) => ({ authenticate: async (credentials) => change(await sound.authenticate(credentials)) as AuthPrincipal });

class Person {
  id = '';
  user = '';
  roles: readonly string[] = [];
  groups: readonly string[] = [];
}

export const BROKEN_ANSWERS: readonly BrokenAuth[] = [
  { fault: 'gives nobody', fails: [WHOM], breaks: answering(() => undefined) },
  { fault: 'gives somebody else', fails: [WHOM], breaks: answering((principal) => ({ ...principal, user: 'root' })) },
  { fault: 'gives no roles', fails: [WHOM], breaks: answering((principal) => ({ ...principal, roles: [] })) },
  {
    fault: 'gives more roles than there are',
    fails: [WHOM],
    breaks: answering((principal) => ({ ...principal, roles: [...principal.roles, 'admin'] })),
  },
  {
    fault: 'gives roles as one text',
    fails: [WHOM],
    breaks: answering((principal) => ({ ...principal, roles: principal.roles.join(' ') })),
  },
  { fault: 'leaves the groups out', fails: [WHOM], breaks: answering(({ id, user, roles }) => ({ id, user, roles })) },
  { fault: 'gives more than a principal', fails: [WHOM], breaks: answering((principal) => ({ ...principal, expires: 0 })) },
  { fault: 'gives an object of a class', fails: [WHOM], breaks: answering((principal) => Object.assign(new Person(), principal)) },
  { fault: 'gives what cannot be cloned', fails: [WHOM], breaks: answering((principal) => ({ ...principal, groups: () => [] })) },
  {
    fault: 'makes up an id for each answer',
    fails: [WHOM, EVERY_TIME, AT_ONCE],
    breaks: answering((principal) => ({ ...principal, id: randomUUID() })),
  },
  {
    fault: 'accepts credentials once',
    fails: [EVERY_TIME, AT_ONCE],
    breaks(sound) {
      const used = new Set<string>();
      return {
        async authenticate(credentials) {
          if (used.has(credentials.token)) throw refusal();
          used.add(credentials.token);
          return sound.authenticate(credentials);
        },
      };
    },
  },
  {
    fault: 'accepts only what its first instance was shown',
    fails: [EVERY_TIME],
    breaks: (() => {
      let instances = 0;
      return (sound) => {
        instances++;
        const isFirst = instances === 1;
        return { authenticate: (credentials) => (isFirst ? sound.authenticate(credentials) : Promise.reject(refusal())) };
      };
    })(),
  },
  {
    fault: 'is busy when it is asked by many',
    fails: [AT_ONCE, MANY],
    breaks(sound) {
      let asking = 0;
      return {
        async authenticate(credentials) {
          if (asking > 10) throw new GoferError('RESOURCE_EXHAUSTED', 'too many at once');
          asking++;
          try {
            await setImmediate();
            return await sound.authenticate(credentials);
          } finally {
            asking--;
          }
        },
      };
    },
  },
  {
    fault: 'mixes up those who ask at once',
    fails: [MANY],
    breaks(sound) {
      let asking: Parameters<OpenAuth['authenticate']>[0];
      return {
        async authenticate(credentials) {
          asking = credentials;
          await setImmediate();
          return sound.authenticate(asking);
        },
      };
    },
  },
  {
    fault: 'lets nobody in after some refusals',
    fails: [MANY],
    breaks(sound) {
      let refusals = 0;
      const authenticate = refusing(sound, async (_, error) => {
        refusals++;
        throw error;
      });
      return { authenticate: async (credentials) => (refusals > 20 ? Promise.reject(refusal()) : authenticate(credentials)) };
    },
  },
];
