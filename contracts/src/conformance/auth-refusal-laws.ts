/** The laws of credentials that are not good, whatever is wrong with them. */
import { createHash } from 'node:crypto';
import { TOKEN_PREFIX } from '../auth.ts';
import { assertRejects } from './assertions.ts';
import type { CredentialKind, Ending } from './auth-harness.ts';
import type { AuthLaw } from './auth-law.ts';
import { AT_ONCE, type AuthStage, neverIssued } from './auth-stage.ts';

const MOST_CHARACTERS = 4096;

/** What a name in a program, a pattern or a query means something by. */
const LOOKS_LIKE_NOTHING: readonly string[] = [
  '',
  '0',
  '-',
  '.',
  '..',
  'null',
  'undefined',
  'none',
  'false',
  'true',
  '{}',
  '[]',
  '""',
  'Bearer',
  '*',
  '%',
  '_',
  '.*',
  "'OR'1'='1",
  '../../../../etc/passwd',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
];

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** At most so many places of a long token are altered. */
const PLACES = 48;

export const refusalLaws: readonly AuthLaw[] = [
  {
    name: 'authenticate: rejects with UNAUTHENTICATED what was never issued',
    async check(stage) {
      for (const token of [neverIssued(), neverIssued(TOKEN_PREFIX), 'x'.repeat(MOST_CHARACTERS)])
        await stage.assertRefused(token, 'a token that was never issued');
    },
  },
  {
    name: 'authenticate: rejects with UNAUTHENTICATED what others may know of good credentials: their hash, id and user',
    async check(stage) {
      const issued = await stage.issue();
      const { credentials, principal } = issued;
      await stage.assertAccepted(issued);
      for (const algorithm of ['sha256', 'sha512'])
        for (const form of ['hex', 'base64', 'base64url'] as const) {
          const hash = createHash(algorithm).update(credentials.token).digest(form);
          for (const token of [hash, hash.toUpperCase()]) await stage.assertRefused(token, `the ${algorithm} of a token`);
        }
      for (const token of [principal.id, principal.user]) await stage.assertRefused(token, 'the id or the user of a principal');
    },
  },
  {
    name: 'authenticate: rejects with UNAUTHENTICATED a part of good credentials, and more than them',
    ...varied('cut, or longer', (token) => [
      token.slice(0, -1),
      token.slice(1),
      token.slice(0, token.length / 2),
      token.slice(token.length / 2),
      token.slice(0, 1),
      `${token}AAAA`,
      `AAAA${token}`,
      token + token,
    ]),
  },
  {
    name: 'authenticate: rejects with UNAUTHENTICATED good credentials with one character altered, wherever',
    ...varied('altered by one character', (token) => {
      const step = Math.max(1, Math.ceil(token.length / PLACES));
      const places = new Set([token.length - 1]);
      for (let place = 0; place < token.length; place += step) places.add(place);
      return [...places].map((place) => token.slice(0, place) + another(token.charAt(place)) + token.slice(place + 1));
    }),
  },
  {
    name: 'authenticate: rejects with UNAUTHENTICATED good credentials in other letters: capitals and small ones',
    ...varied('in other letters', (token) => [token.toUpperCase(), token.toLowerCase(), Array.from(token, otherCase).join('')]),
  },
  {
    name: 'authenticate: rejects with UNAUTHENTICATED what looks like nothing, or like a name, a pattern or a query',
    async check(stage) {
      // So that there is something that could be found.
      await stage.assertAccepted(await stage.issue());
      for (const token of LOOKS_LIKE_NOTHING) await stage.assertRefused(token, `the token ${JSON.stringify(token)}`);
    },
  },
  {
    name: 'authenticate: rejects with UNAUTHENTICATED what is too long',
    ...varied('too long', (token) => [
      token + 'A'.repeat(MOST_CHARACTERS + 1 - token.length),
      token + ' '.repeat(MOST_CHARACTERS),
      'A'.repeat(MOST_CHARACTERS + 1),
      'A'.repeat(1_048_576),
    ]),
  },
  {
    name: 'authenticate: rejects with UNAUTHENTICATED characters that are not visible ASCII',
    ...varied('with a character that is not visible ASCII', (token) => {
      const middle = Math.floor(token.length / 2);
      const odd = ['\0', '\t', '\n', '\r', '\r\n', ' ', '\x1b', '\x7f', '\x85', '\xa0', 'é', '\u200b', '\ufeff', '🔑', '\ud800'];
      const around = odd.flatMap((text) => [text + token, token + text, token.slice(0, middle) + text + token.slice(middle)]);
      // What becomes the good token where a text is normalised, or only the low byte of a character is kept.
      const alike = [0xfee0, 0x100].map((distance) => String.fromCharCode(token.charCodeAt(0) + distance) + token.slice(1));
      return [...odd, ...around, ...alike];
    }),
  },
  unacceptable('expired'),
  unacceptable('disabled'),
  ending('expired', 'have expired'),
  ending('disabled', 'were disabled'),
  ending('revoked', 'were revoked'),
];

/** Good credentials are accepted before and after their variations are refused. */
function varied(how: string, variations: (token: string) => readonly string[]): Pick<AuthLaw, 'check'> {
  return {
    async check(stage) {
      const issued = await stage.issue();
      await stage.assertAccepted(issued);
      for (const token of variations(issued.credentials.token)) {
        // A token of digits only has no other letters.
        if (token !== issued.credentials.token) await stage.assertRefused(token, `good credentials, ${how}`);
      }
      await stage.assertAccepted(issued, 'the principal, after variations were refused');
    },
  };
}

function unacceptable(kind: Exclude<CredentialKind, 'good'>): AuthLaw {
  return {
    name: `authenticate: rejects with UNAUTHENTICATED credentials that are ${kind}`,
    when: ({ kinds }) => kinds.has(kind),
    async check(stage) {
      const { credentials } = await stage.issue(kind);
      await stage.assertRefused(credentials.token, `${kind} credentials`);
      await stage.assertRefused(credentials.token, `${kind} credentials, again`);
      await stage.reopen();
      await Promise.all(
        Array.from({ length: AT_ONCE }, () => stage.assertRefused(credentials.token, `${kind} credentials, many times at once`)),
      );
    },
  };
}

function ending(how: Ending, words: string): AuthLaw {
  return {
    name: `authenticate: rejects with UNAUTHENTICATED credentials that were accepted and ${words}`,
    when: ({ endings }) => endings.has(how),
    async check(stage) {
      const issued = await stage.issue();
      await stage.assertAccepted(issued, 'the principal, before it ended');
      await stage.assertEnds(issued, how);
      await assertStaysRefused(stage, issued.credentials.token);
      await stage.assertAccepted(await stage.issue(), 'the principal of other credentials');
    },
  };
}

async function assertStaysRefused(stage: AuthStage, token: string): Promise<void> {
  await Promise.all(
    Array.from({ length: AT_ONCE }, () => assertRejects(() => stage.ask(token), 'UNAUTHENTICATED', 'credentials that have ended, at once')),
  );
  await stage.reopen();
  await stage.assertRefused(token, 'credentials that have ended, in another instance');
}

/**
 * Differs by the highest of the six bits that a character of base64url stands for: where the lowest ones are padding, a decoder may take
 * two characters for the same.
 */
function another(character: string): string {
  const at = ALPHABET.indexOf(character);
  return at === -1 ? 'A' : ALPHABET.charAt((at + ALPHABET.length / 2) % ALPHABET.length);
}

function otherCase(character: string): string {
  const upper = character.toUpperCase();
  return character === upper ? character.toLowerCase() : upper;
}
