/** Follows runs whose end GitHub is to be told of. What is open is kept in objects, and gone on with after a restart. */
import { type ExtensionHost, GoferRequestError, type RunState, sleepUntil } from '@gofer/sdk/extension';
import { endedCheck, externalId, startedCheck } from './check-report.ts';
import type { GithubChecks } from './github-checks.ts';
import { pauseAfter } from './github-request.ts';
import { CHECK_PREFIX, checkKey, type OpenCheck, readOpenCheck } from './open-check.ts';
import { Places } from './places.ts';

/** How long one request for a run waits; then another check has its turn. */
const WAIT_SECONDS = 60;
/** Runs that are waited for at the same time. */
const WAITING = 200;

export class CheckKeeper {
  readonly #host: ExtensionHost;
  readonly #checks: GithubChecks;
  readonly #open = new Map<string, OpenCheck>();
  readonly #following = new Set<Promise<void>>();
  readonly #places = new Places(WAITING);

  constructor(host: ExtensionHost, checks: GithubChecks) {
    this.#host = host;
    this.#checks = checks;
  }

  /** Those that GitHub has not been told the end of. */
  open(): readonly OpenCheck[] {
    return [...this.#open.values()];
  }

  /** Goes on with what an earlier process has left. */
  async resume(): Promise<void> {
    const { objects, log } = this.#host;
    for (const key of await objects.list()) {
      if (!key.startsWith(CHECK_PREFIX)) continue;
      const body = await objects.get(key);
      const check = body === undefined ? undefined : readOpenCheck(body);
      if (check !== undefined) this.#follow(check, true);
      else {
        log('error', 'What is kept of a check cannot be read; GitHub is not told how its run ended.', { object: key });
        await objects.delete(key);
      }
    }
  }

  /** Resolves when the check is kept: from then on it is seen through, whatever happens. Again for the same run: nothing. */
  async add(check: OpenCheck): Promise<void> {
    if (this.#open.has(checkKey(check))) return;
    await this.#host.objects.put(checkKey(check), JSON.stringify(check));
    this.#follow(check, false);
  }

  /** Resolves when nothing is under way any more, once the host's signal has aborted. */
  async settled(): Promise<void> {
    await Promise.all(this.#following);
  }

  #follow(check: OpenCheck, mayExist: boolean): void {
    const key = checkKey(check);
    if (this.#open.has(key)) return;
    this.#open.set(key, check);
    const following = this.#seeThrough(check, mayExist)
      .catch(async (error: unknown) => {
        // The process ends: the next one goes on.
        if (this.#host.signal.aborted) return;
        this.#host.log('error', 'GitHub cannot be told of a check; it is given up.', { check: externalId(check), error: String(error) });
        await this.#forget(key);
      })
      .catch((error: unknown) => {
        this.#host.log('error', 'A check that is given up cannot be forgotten.', { check: externalId(check), error: String(error) });
      })
      .finally(() => {
        this.#open.delete(key);
        this.#following.delete(following);
      });
    this.#following.add(following);
  }

  async #seeThrough(check: OpenCheck, mayExist: boolean): Promise<void> {
    const checkId = check.checkId ?? (await this.#create(check, mayExist));
    const run = await this.#ended(check);
    await this.#checks.update(check, checkId, endedCheck(check, run, this.#host.clock.now()));
    this.#host.log('info', 'GitHub knows how a run ended.', { check: externalId(check), status: run?.status ?? 'deleted' });
    await this.#forget(checkKey(check));
  }

  async #create(check: OpenCheck, mayExist: boolean): Promise<number> {
    const checkId = await this.#checks.create(check, startedCheck(check), mayExist);
    const made = { ...check, checkId };
    this.#open.set(checkKey(check), made);
    // Only saves a look-up after a restart.
    await this.#host.objects.put(checkKey(check), JSON.stringify(made)).catch((error: unknown) => {
      this.#host.log('warn', 'The id of a check could not be kept.', { check: externalId(check), error: String(error) });
    });
    return checkId;
  }

  /** Undefined where the run, or its pipeline, has been deleted. */
  async #ended(check: OpenCheck): Promise<RunState | undefined> {
    const { gofer, clock, signal, log } = this.#host;
    for (let failures = 0; ; ) {
      try {
        const run = await this.#places.use(() => gofer.getRun(check, check.runId, { waitSeconds: WAIT_SECONDS, signal }));
        if (run.state === 'complete') return run;
        failures = 0;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof GoferRequestError && error.statusCode === 404) return undefined;
        failures += 1;
        log('warn', 'A run cannot be followed; it is tried again.', { check: externalId(check), error: String(error) });
        await sleepUntil(clock, clock.now() + pauseAfter(failures), signal);
      }
    }
  }

  async #forget(key: string): Promise<void> {
    await this.#host.objects.delete(key);
  }
}
