/** Who the app is to GitHub: a JWT, signed with the app's key, is exchanged for a token of its installation, which works for an hour. */
import githubAppJwt from 'universal-github-app-jwt';
import type { GithubConfig } from './github-config.ts';
import { GithubRequestError, requestGithub } from './github-request.ts';
import { textAt } from './json-path.ts';

/** A token that is about to expire could do so on its way. */
const MARGIN_MS = 60_000;

export class InstallationToken {
  readonly #config: GithubConfig;
  readonly #now: () => number;
  readonly #signal: AbortSignal;
  #current: { readonly token: string; readonly expires: number } | undefined;
  #asking: Promise<string> | undefined;

  constructor(config: GithubConfig, now: () => number, signal: AbortSignal) {
    this.#config = config;
    this.#now = now;
    this.#signal = signal;
  }

  /** The one in use, or a new one; many that ask at once share one request. Rejects with `GithubRequestError`. */
  get(): Promise<string> {
    if (this.#current !== undefined && this.#now() < this.#current.expires - MARGIN_MS) return Promise.resolve(this.#current.token);
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** GitHub does not know it any more. */
  forget(token: string): void {
    if (this.#current?.token === token) this.#current = undefined;
  }

  async #ask(): Promise<string> {
    const { appId, installationId, privateKey, apiUrl } = this.#config;
    const jwt = await githubAppJwt({ id: appId, privateKey, now: Math.floor(this.#now() / 1000) });
    const url = `${apiUrl}/app/installations/${installationId}/access_tokens`;
    const answer = await requestGithub({ method: 'POST', url, token: jwt.token, signal: this.#signal, now: this.#now });
    const token = textAt(answer, 'token');
    const expires = Date.parse(textAt(answer, 'expires_at'));
    if (token === '' || Number.isNaN(expires)) {
      throw new GithubRequestError(0, 'GitHub answered without a token of the installation', { temporary: true });
    }
    this.#current = { token, expires };
    return token;
  }
}
