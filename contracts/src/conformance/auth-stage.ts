/**
 * Where a law meets the plugin: one open instance, hosted directly or behind a port. Everything that the instance lets out is checked to
 * be plain data, and kept beside what it logs and what it asks the kernel's tokens. A back end that a law has made fail works again behind it.
 */
import { randomUUID } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import type { AuthHost, AuthPrincipal, LoginRequest } from '../auth.ts';
import { codeOf, type ErrorCode } from '../errors.ts';
import { connectAuth, hostAuth } from '../port/auth-port.ts';
import { assert, assertEqual, assertRejects, LawBroken } from './assertions.ts';
import {
  type AuthHarness,
  type AuthTraits,
  type CredentialKind,
  type Ending,
  type IssuedCredentials,
  type LoginHarness,
  type OpenAuth,
  traitsOf,
} from './auth-harness.ts';
import { checkedAuth } from './checked-auth.ts';
import type { Hosting } from './law.ts';
import { type Evidence, evidenceOfFiles, evidenceOfValue, findTrace } from './traces.ts';
import type { Stage } from './trial.ts';

/** How often the same is asked at the same time. */
export const AT_ONCE = 64;

/** Of a token: what a trace of it is looked for by, at least. */
const SHORTEST_TRACE = 16;

const LOOK_AGAIN_MS = 5;

export class AuthStage implements Stage {
  readonly harness: AuthHarness;
  readonly hosting: Hosting;
  /** What `host.tokens` was asked for. */
  readonly asked: string[] = [];
  readonly #host: AuthHost;
  readonly #said: Evidence[] = [];
  #auth: OpenAuth | undefined;
  #restore: (() => void | Promise<void>) | undefined;

  private constructor(harness: AuthHarness, hosting: Hosting, dataDirectory: string) {
    this.harness = harness;
    this.hosting = hosting;
    this.#host = {
      instanceId: `conformance-${randomUUID()}`,
      dataDirectory,
      log: (...line) => this.#heard('a line of the log', line),
      now: () => harness.now?.() ?? Date.now(),
      tokens: {
        find: async (hash) => {
          this.asked.push(hash);
          return harness.tokens?.find(hash);
        },
      },
    };
  }

  static async open(harness: AuthHarness, hosting: Hosting, dataDirectory: string): Promise<AuthStage> {
    const stage = new AuthStage(harness, hosting, dataDirectory);
    stage.#auth = await stage.#create();
    return stage;
  }

  get auth(): OpenAuth {
    assert(this.#auth !== undefined, 'the stage is closed');
    return this.#auth;
  }

  get traits(): AuthTraits {
    return traitsOf(this.harness);
  }

  get login(): LoginHarness {
    const { login } = this.harness;
    if (login === undefined) throw new LawBroken('the harness does not say how a person logs in: it needs `login`');
    return login;
  }

  /** Closes the instance and creates another, as a restart of the server does. */
  async reopen(): Promise<void> {
    await this.#auth?.close();
    this.#auth = undefined;
    this.#auth = await this.#create();
  }

  async #create(): Promise<OpenAuth> {
    const instance = await this.harness.create(this.#host);
    const listener = {
      principal: (principal: AuthPrincipal) => this.#heard('a principal', principal),
      failed: (error: unknown) => this.#heard('an error', error),
    };
    if (this.hosting === 'directly') return checkedAuth(instance, listener);
    const { port1, port2 } = new MessageChannel();
    hostAuth(instance, port1);
    return checkedAuth(await connectAuth(port2), listener);
  }

  #heard(where: string, value: unknown): void {
    for (const evidence of evidenceOfValue(where, value)) this.#said.push(evidence);
  }

  async issue(kind: CredentialKind = 'good'): Promise<IssuedCredentials> {
    const issued = await this.harness.issue(kind);
    const { length } = issued.credentials.token;
    assert(length >= SHORTEST_TRACE, `the harness must issue tokens of ${SHORTEST_TRACE} characters or more; one has ${length}`);
    return issued;
  }

  ask(token: string): Promise<AuthPrincipal> {
    return this.auth.authenticate({ kind: 'bearer', token });
  }

  async assertAccepted({ credentials, principal }: IssuedCredentials, what = 'the principal'): Promise<void> {
    let accepted: AuthPrincipal;
    try {
      accepted = await this.auth.authenticate(credentials);
    } catch (error) {
      if (error instanceof LawBroken) throw error;
      throw new LawBroken(`${what}: good credentials were rejected with ${codeOf(error)}`, { cause: error });
    }
    assertPrincipal(accepted, principal, what);
  }

  async assertRefused(token: string, what: string): Promise<void> {
    await assertRejects(() => this.ask(token), 'UNAUTHENTICATED', what);
  }

  /** Ends good credentials and resolves when they are refused, which must be at once, or in the time that answers are kept. */
  async assertEnds(issued: IssuedCredentials, ending: Ending): Promise<void> {
    const { endings = {}, keepsAnswersMs = 0 } = this.harness;
    await endings[ending]?.(issued.credentials);
    const withinMs = ending === 'expired' ? 0 : keepsAnswersMs;
    await this.#assertRejectsWithin(withinMs, issued, 'UNAUTHENTICATED', `credentials that were accepted and are ${ending} now`);
  }

  /** Resolves when credentials that were accepted are so no more, which must be at once, or in the time that answers are kept. */
  async assertUnavailable(issued: IssuedCredentials): Promise<void> {
    const withinMs = this.harness.keepsAnswersMs ?? 0;
    await this.#assertRejectsWithin(withinMs, issued, 'UNAVAILABLE', 'credentials that were accepted, without a back end');
  }

  /** Until then they may be accepted, and belong to the same principal. */
  async #assertRejectsWithin(milliseconds: number, issued: IssuedCredentials, code: ErrorCode, what: string): Promise<void> {
    const deadline = performance.now() + milliseconds;
    while (performance.now() < deadline && (await this.#isAccepted(issued))) await pause();
    await assertRejects(() => this.auth.authenticate(issued.credentials), code, what);
  }

  async #isAccepted({ credentials, principal }: IssuedCredentials): Promise<boolean> {
    let accepted: AuthPrincipal;
    try {
      accepted = await this.auth.authenticate(credentials);
    } catch {
      // With what it was rejected is looked at when nothing is to be accepted any more.
      return false;
    }
    assertPrincipal(accepted, principal, 'the principal of an answer that was kept');
    return true;
  }

  /** Makes the back end fail, until `restore` or the end of the law. */
  async cut(): Promise<void> {
    this.#restore = await this.harness.unreachable?.();
  }

  async restore(): Promise<void> {
    const restore = this.#restore;
    this.#restore = undefined;
    await restore?.();
  }

  /** Does it again until it does not reject with `UNAVAILABLE` any more; the law's own time limit bounds that. */
  async untilAvailable<Result>(call: () => Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (codeOf(error) !== 'UNAVAILABLE') throw error;
      }
      await pause();
    }
  }

  /** Logs a person in as far as the browser's coming back, and gives what it comes back with. */
  async comeBack(request: LoginRequest): Promise<{ readonly answer: Readonly<Record<string, string>>; readonly principal: AuthPrincipal }> {
    const { url } = await this.auth.beginLogin(request);
    const { returnedTo, principal } = await this.login.approve(url);
    return { answer: answerIn(returnedTo, request), principal };
  }

  /** Throws where something of a secret is in what the plugin let out or in a file below its directory. */
  async assertSecret(...secrets: readonly string[]): Promise<void> {
    const evidence = [...this.#said, ...(await evidenceOfFiles(this.#host.dataDirectory))];
    for (const secret of secrets) {
      const half = Math.ceil(secret.length / 2);
      const parts = half < SHORTEST_TRACE ? [secret] : [secret, secret.slice(0, half), secret.slice(half)];
      for (const part of parts) {
        const trace = findTrace(Buffer.from(part), evidence);
        assert(trace === undefined, `a credential, or half of it, can be read in ${trace}`);
      }
    }
  }

  async sweep(): Promise<void> {
    await this.restore();
  }

  async assertEmpty(): Promise<void> {}

  async close(): Promise<void> {
    await this.#auth?.close();
    this.#auth = undefined;
  }
}

/** The order of roles and groups does not count. */
export function assertPrincipal(actual: AuthPrincipal, expected: AuthPrincipal, what: string): void {
  const inOrder = ({ id, user, roles, groups }: AuthPrincipal) => ({ id, user, roles: roles.toSorted(), groups: groups.toSorted() });
  assertEqual(inOrder(actual), inOrder(expected), what);
}

/** A login of the kernel's; no two have the same state. */
export function loginRequest(state: string = randomUUID()): LoginRequest {
  return { redirectUrl: 'https://gofer.example/api/logins/callback', state };
}

/** The query parameters with which the browser has come back to where it was to be sent. */
export function answerIn(returnedTo: string, { redirectUrl }: LoginRequest): Readonly<Record<string, string>> {
  assert(URL.canParse(returnedTo), `the browser must be sent to an address, not to ${JSON.stringify(returnedTo)}`);
  const { origin, pathname, searchParams } = new URL(returnedTo);
  assertEqual(`${origin}${pathname}`, redirectUrl, 'where the browser was sent');
  return Object.fromEntries(searchParams);
}

/** Visible ASCII that occurs nowhere else. */
export function neverIssued(word = 'conformance'): string {
  return `${word}${randomUUID()}${randomUUID()}`.replaceAll('-', '');
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
}
