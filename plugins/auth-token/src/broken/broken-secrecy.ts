/** What can be wrong with secrecy: where something of a credential may be left. */
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, GoferError } from '@gofer/contracts';
import type { BrokenAuth } from './broken-auth.ts';
import { refusing } from './broken-auth.ts';

const WHILE_OPEN = 'secrecy: nothing of a credential is in a log line, an error, a principal';
const AFTER_CLOSE = 'secrecy: nothing of a credential is in a file after close';
const WITHOUT_BACK_END = 'secrecy: nothing of a credential is in a log line, an error or a file while the back end';
const ASKED = 'secrecy: the tokens of the kernel';
const LOGIN = 'secrecy: nothing of what proves a login';

const logging =
  (form: (token: string) => unknown): BrokenAuth['breaks'] =>
  (sound, host) => ({
    authenticate(credentials) {
      host.log('debug', 'asked', { about: form(credentials.token) });
      return sound.authenticate(credentials);
    },
  });

const telling =
  (tell: (token: string) => Error): BrokenAuth['breaks'] =>
  (sound) => ({ authenticate: refusing(sound, ({ token }) => Promise.reject(tell(token))) });

const asking =
  (form: (token: string) => string): BrokenAuth['breaks'] =>
  (sound, host) => ({
    async authenticate(credentials) {
      await host.tokens.find(form(credentials.token));
      return sound.authenticate(credentials);
    },
  });

export const BROKEN_SECRECY: readonly BrokenAuth[] = [
  { fault: 'logs tokens', fails: [WHILE_OPEN, AFTER_CLOSE, WITHOUT_BACK_END], breaks: logging((token) => token) },
  { fault: 'logs tokens in base64', fails: [WHILE_OPEN], breaks: logging((token) => Buffer.from(`Bearer ${token}`).toString('base64')) },
  { fault: 'logs tokens as bytes', fails: [WHILE_OPEN], breaks: logging((token) => Buffer.from(token)) },
  { fault: 'logs half of a token', fails: [WHILE_OPEN], breaks: logging((token) => `${token.slice(0, Math.ceil(token.length / 2))}…`) },
  {
    fault: 'names the token that it refuses',
    fails: [WHILE_OPEN],
    breaks: telling((token) => new GoferError('UNAUTHENTICATED', `${token} is not known`)),
  },
  {
    fault: 'carries the token in the cause',
    fails: [WHILE_OPEN],
    breaks: telling((token) => new GoferError('UNAUTHENTICATED', 'no', { cause: { token } })),
  },
  {
    fault: 'carries the token in the details',
    fails: [WHILE_OPEN],
    breaks: telling((token) => new GoferError('UNAUTHENTICATED', 'no', { details: [{ path: token, message: 'is wrong' }] })),
  },
  {
    fault: 'writes down what it refuses',
    fails: [WHILE_OPEN, AFTER_CLOSE],
    breaks: (sound, host) => ({
      authenticate: refusing(sound, async ({ token }, error) => {
        appendFileSync(join(host.dataDirectory, 'refused'), Buffer.from(token).toString('hex'));
        throw error;
      }),
    }),
  },
  {
    fault: 'writes everything down when it closes',
    fails: [AFTER_CLOSE],
    breaks(sound, host) {
      const shown: string[] = [];
      return {
        authenticate(credentials) {
          shown.push(credentials.token);
          return sound.authenticate(credentials);
        },
        async close() {
          if (shown.length > 0) writeFileSync(join(host.dataDirectory, 'shown.json'), JSON.stringify(shown.splice(0)));
          await sound.close();
        },
      };
    },
  },
  {
    fault: 'names the token when it cannot ask',
    fails: [WITHOUT_BACK_END],
    breaks: (sound) => ({
      authenticate: (credentials) =>
        sound.authenticate(credentials).catch((error: unknown) => {
          throw codeOf(error) === 'UNAVAILABLE'
            ? new GoferError('UNAVAILABLE', `GET /introspect?token=${credentials.token}: ECONNREFUSED`)
            : error;
        }),
    }),
  },
  { fault: 'asks for the token itself', fails: [ASKED], breaks: asking((token) => token) },
  { fault: 'asks in capital letters', fails: [ASKED], breaks: asking(() => 'A'.repeat(64)) },
  {
    fault: 'logs how a login ended',
    fails: [LOGIN],
    login: true,
    breaks: (sound, host) => ({
      completeLogin(request, answer) {
        host.log('info', 'a browser has come back', { query: new URLSearchParams(answer).toString() });
        return sound.completeLogin(request, answer);
      },
    }),
  },
  {
    fault: 'names the code that it refuses',
    fails: [LOGIN],
    login: true,
    breaks: (sound) => ({
      completeLogin: (request, answer) =>
        sound.completeLogin(request, answer).catch(() => {
          throw new GoferError('UNAUTHENTICATED', `the provider refuses the code ${answer.code}`);
        }),
    }),
  },
];
