/** Checks of commits at GitHub (https://docs.github.com/rest/checks/runs). Every request is repeated for as long as that may help. */
import { type ExtensionHost, sleepUntil } from '@gofer/sdk/extension';
import { type CheckBody, checkName, detailsUrl, externalId } from './check-report.ts';
import type { GithubConfig } from './github-config.ts';
import { GithubRequestError, pauseAfter, requestGithub } from './github-request.ts';
import { InstallationToken } from './installation-token.ts';
import { textAt, valueAt } from './json-path.ts';
import type { OpenCheck } from './open-check.ts';

/** After that nobody waits for a check any more. */
const PATIENCE_MS = 24 * 3_600_000;

type ChecksHost = Pick<ExtensionHost, 'clock' | 'log' | 'signal'>;

export class GithubChecks {
  readonly #config: GithubConfig;
  readonly #host: ChecksHost;
  readonly #token: InstallationToken;
  /** Epoch milliseconds: GitHub has asked for silence until then. */
  #silentUntil = 0;

  constructor(config: GithubConfig, host: ChecksHost) {
    this.#config = config;
    this.#host = host;
    this.#token = new InstallationToken(config, () => host.clock.now(), host.signal);
  }

  /**
   * Makes the check and answers with GitHub's id of it. With `mayExist` one that an earlier attempt has made is taken instead. Rejects with
   * `GithubRequestError` when it is given up, and with the host's signal.
   */
  async create(check: OpenCheck, body: CheckBody, mayExist: boolean): Promise<number> {
    let look = mayExist;
    return this.#persist(check, async () => {
      const existing = look ? await this.#find(check) : undefined;
      // Whether an attempt without an answer has made it, nobody knows.
      look = true;
      return existing ?? toCheckId(await this.#send('POST', `${repositoryPath(check)}/check-runs`, this.#described(check, body)));
    });
  }

  async update(check: OpenCheck, checkId: number, body: CheckBody): Promise<void> {
    const path = `${repositoryPath(check)}/check-runs/${checkId}`;
    await this.#persist(check, () => this.#send('PATCH', path, body));
  }

  async #find(check: OpenCheck): Promise<number | undefined> {
    const query = new URLSearchParams({ check_name: checkName(check), app_id: String(this.#config.appId), filter: 'all', per_page: '100' });
    const answer = await this.#send(
      'GET',
      `${repositoryPath(check)}/commits/${encodeURIComponent(check.headSha)}/check-runs?${query.toString()}`,
    );
    const runs = valueAt(answer, 'check_runs');
    const found: unknown = Array.isArray(runs) ? runs.find((run) => textAt(run, 'external_id') === externalId(check)) : undefined;
    return found === undefined ? undefined : toCheckId(found);
  }

  #described(check: OpenCheck, body: CheckBody): unknown {
    const template = this.#config.detailsUrl;
    return {
      name: checkName(check),
      head_sha: check.headSha,
      external_id: externalId(check),
      ...(template === undefined ? {} : { details_url: detailsUrl(template, check) }),
      ...body,
    };
  }

  async #send(method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown): Promise<unknown> {
    const token = await this.#token.get();
    const { clock, signal } = this.#host;
    try {
      return await requestGithub({ method, url: `${this.#config.apiUrl}${path}`, token, body, signal, now: () => clock.now() });
    } catch (error) {
      if (error instanceof GithubRequestError && error.status === 401) this.#token.forget(token);
      throw error;
    }
  }

  async #persist<Result>(check: OpenCheck, attempt: () => Promise<Result>): Promise<Result> {
    const { clock, signal, log } = this.#host;
    const until = clock.now() + PATIENCE_MS;
    for (let failures = 1; ; failures += 1) {
      if (this.#silentUntil > clock.now()) await sleepUntil(clock, this.#silentUntil, signal);
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof GithubRequestError)) throw error;
        if (error.notBefore !== undefined) this.#silentUntil = Math.max(this.#silentUntil, error.notBefore);
        const next = Math.max(clock.now() + pauseAfter(failures), this.#silentUntil);
        if (!error.temporary || next > until) throw error;
        log('warn', 'GitHub could not be told of a check; it is tried again.', {
          check: externalId(check),
          error: error.message,
          attempt: failures,
          next: new Date(next).toISOString(),
        });
        await sleepUntil(clock, next, signal);
      }
    }
  }
}

function repositoryPath({ repository }: OpenCheck): string {
  return `/repos/${repository.split('/').map(encodeURIComponent).join('/')}`;
}

function toCheckId(answer: unknown): number {
  const id = valueAt(answer, 'id');
  if (typeof id === 'number') return id;
  throw new GithubRequestError(0, 'GitHub answered without the id of the check', { temporary: true });
}
