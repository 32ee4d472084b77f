/** A back end where people log in with a browser, and a plugin that has such a login beside its tokens: for the laws of logins. */
import { randomUUID } from 'node:crypto';
import type { AuthPrincipal, LoginRequest } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { AuthHarness, LoginHarness, OpenAuth } from '@gofer/contracts/conformance';
import { TokenBook, tokenHarness } from './token-harness.ts';

interface ApprovedLogin {
  readonly state: string;
  readonly principal: AuthPrincipal;
}

export class LoginProvider implements LoginHarness {
  isFailing = false;
  readonly #approved = new Map<string, ApprovedLogin>();
  #people = 0;

  addressOf({ redirectUrl, state }: LoginRequest): string {
    const url = new URL('https://provider.example/authorize');
    url.searchParams.set('redirect_uri', redirectUrl);
    url.searchParams.set('state', state);
    return url.href;
  }

  async approve(url: string): Promise<{ readonly returnedTo: string; readonly principal: AuthPrincipal }> {
    this.#people++;
    const principal = { id: `person-${this.#people}`, user: `Person ${this.#people}`, roles: [], groups: ['people'] };
    const code = randomUUID();
    this.#approved.set(code, { principal, state: new URL(url).searchParams.get('state') ?? '' });
    return { returnedTo: backFrom(url, { code }), principal };
  }

  async refuse(url: string): Promise<{ readonly returnedTo: string }> {
    return { returnedTo: backFrom(url, { error: 'access_denied' }) };
  }

  /** As a provider's end point for tokens: undefined for a code that it has not given. */
  async redeem(code: string): Promise<ApprovedLogin | undefined> {
    if (this.isFailing) throw new GoferError('UNAVAILABLE', 'the provider cannot be reached');
    return this.#approved.get(code);
  }
}

function backFrom(url: string, parameters: Readonly<Record<string, string>>): string {
  const asked = new URL(url).searchParams;
  const back = new URL(asked.get('redirect_uri') ?? '');
  for (const [name, value] of Object.entries({ ...parameters, state: asked.get('state') ?? '' })) back.searchParams.set(name, value);
  return back.href;
}

export type LoginMethods = Pick<OpenAuth, 'capabilities' | 'beginLogin' | 'completeLogin'>;

export function loginMethods(provider: LoginProvider): LoginMethods {
  return {
    capabilities: { login: true },
    beginLogin: async (request) => ({ url: provider.addressOf(request) }),
    async completeLogin({ state }, { code = '', state: returned }) {
      const login = await provider.redeem(code);
      if (login === undefined || login.state !== state || returned !== state)
        throw new GoferError('UNAUTHENTICATED', 'The login was refused, or is not the one that was begun: begin it again');
      return login.principal;
    },
  };
}

/** Tokens with a login beside them. */
export function loginHarness(name: string, provider = new LoginProvider(), book = new TokenBook()): AuthHarness {
  const tokens = tokenHarness(name, book);
  return {
    ...tokens,
    capabilities: { login: true },
    login: provider,
    async create(host) {
      const auth = await tokens.create(host);
      return {
        ...loginMethods(provider),
        authenticate: (credentials) => auth.authenticate(credentials),
        health: () => auth.health(),
        close: () => auth.close(),
      };
    },
    async unreachable() {
      const restore = book.fail();
      provider.isFailing = true;
      return () => {
        provider.isFailing = false;
        restore();
      };
    },
  };
}
