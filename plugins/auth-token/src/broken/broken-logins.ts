/** What can be wrong with a login, and with its absence. */
import type { AuthPrincipal, LoginRequest } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { OpenAuth } from '@gofer/contracts/conformance';
import type { LoginProvider } from '../login-provider.ts';
import type { BrokenAuth } from './broken-auth.ts';
import { ANYBODY, refusal } from './broken-auth.ts';

const ABSENT = 'beginLogin and completeLogin: reject';
const ADDRESS = 'beginLogin: resolves';
const STATE = 'beginLogin: the state';
const WHO = 'completeLogin: resolves';
const MANY = 'completeLogin: of many';
const PROVES_NOTHING = 'completeLogin: rejects with UNAUTHENTICATED an answer';
const ANOTHER = 'completeLogin: rejects with UNAUTHENTICATED the answer of another';
const REFUSED = 'completeLogin: rejects with UNAUTHENTICATED a person';
const UNREACHABLE = 'completeLogin: rejects with UNAVAILABLE';

const sendingTo =
  (address: (url: URL, request: LoginRequest) => unknown): BrokenAuth['breaks'] =>
  (sound) => ({ beginLogin: async (request) => ({ url: address(new URL((await sound.beginLogin(request)).url), request) as string }) });

const instead =
  (complete: (provider: LoginProvider, ...args: Parameters<OpenAuth['completeLogin']>) => Promise<AuthPrincipal>): BrokenAuth['breaks'] =>
  (_sound, _host, provider) => ({ completeLogin: (...args) => complete(provider, ...args) });

const absent: readonly BrokenAuth[] = [
  {
    fault: 'begins a login that it does not declare',
    fails: [ABSENT],
    breaks: () => ({ beginLogin: async () => ({ url: 'https://provider.example' }) }),
  },
  { fault: 'completes a login that it does not declare', fails: [ABSENT], breaks: () => ({ completeLogin: async () => ANYBODY }) },
  { fault: 'refuses a login that it does not have', fails: [ABSENT], breaks: () => ({ completeLogin: () => Promise.reject(refusal()) }) },
  {
    fault: 'takes a token for the answer of a login that it does not have',
    fails: [ABSENT],
    breaks: (sound) => ({
      completeLogin: (request, { token }) =>
        token === undefined ? sound.completeLogin(request, {}) : sound.authenticate({ kind: 'bearer', token }),
    }),
  },
];

const present: readonly BrokenAuth[] = [
  {
    fault: 'declares a login that it does not have',
    fails: [ADDRESS, WHO],
    breaks: () => ({ beginLogin: () => Promise.reject(new GoferError('UNSUPPORTED', 'no')) }),
  },
  { fault: 'sends browsers to a path', fails: [ADDRESS], breaks: sendingTo((url) => url.pathname) },
  { fault: 'sends browsers to a program', fails: [ADDRESS], breaks: sendingTo((url) => `javascript:open('${url.href}')`) },
  { fault: 'sends browsers to an object', fails: [ADDRESS], breaks: sendingTo((url) => url) },
  { fault: 'loses the state', fails: [STATE], breaks: sendingTo((url) => without(url, 'state')) },
  {
    fault: 'puts the state into an address as it is',
    fails: [STATE],
    breaks: sendingTo((url, { state }) => `${without(url, 'state')}&state=${state}`),
  },
  {
    fault: 'shortens the state',
    fails: [STATE],
    breaks: (sound) => ({ beginLogin: ({ redirectUrl, state }) => sound.beginLogin({ redirectUrl, state: state.slice(0, 255) }) }),
  },
  { fault: 'lets in somebody else', fails: [WHO, MANY], breaks: instead(async () => ANYBODY) },
  {
    fault: 'knows one login at a time',
    fails: [MANY],
    breaks(sound) {
      let begun: LoginRequest | undefined;
      return {
        beginLogin(request) {
          begun = request;
          return sound.beginLogin(request);
        },
        completeLogin: (request, answer) =>
          request.state === begun?.state ? sound.completeLogin(request, answer) : Promise.reject(refusal()),
      };
    },
  },
  {
    fault: 'takes a browser that comes back for a person',
    fails: [PROVES_NOTHING, REFUSED, ANOTHER],
    breaks: instead(async (provider, _request, { code = '' }) => (await provider.redeem(code))?.principal ?? ANYBODY),
  },
  {
    fault: 'takes the state for proof',
    fails: [PROVES_NOTHING, REFUSED],
    breaks: instead(async (_provider, { state }, answer) => (answer.state === state ? ANYBODY : Promise.reject(refusal()))),
  },
  {
    fault: 'does not know what to say to an answer without a code',
    fails: [PROVES_NOTHING, REFUSED],
    breaks: (sound) => ({
      completeLogin: (request, answer) =>
        answer.code === undefined
          ? Promise.reject(new GoferError('INVALID_ARGUMENT', 'code is missing'))
          : sound.completeLogin(request, answer),
    }),
  },
  {
    fault: 'does not look whose login it is',
    fails: [ANOTHER],
    breaks: instead(async (provider, _request, { code = '' }) => (await provider.redeem(code))?.principal ?? Promise.reject(refusal())),
  },
  {
    fault: 'refuses a login when it cannot ask',
    fails: [UNREACHABLE],
    breaks: (sound) => ({ completeLogin: (...args) => sound.completeLogin(...args).catch(() => Promise.reject(refusal())) }),
  },
  {
    fault: 'lets in whoever logs in when it cannot ask',
    fails: [UNREACHABLE],
    breaks: (_sound, _host, provider) => ({
      completeLogin: async (_, { code = '' }) => (await provider.redeem(code).catch(() => undefined))?.principal ?? ANYBODY,
    }),
  },
];

export const BROKEN_LOGINS: readonly BrokenAuth[] = [...absent, ...present.map((broken) => Object.assign({}, broken, { login: true }))];

function without(url: URL, parameter: string): string {
  url.searchParams.delete(parameter);
  return url.href;
}
