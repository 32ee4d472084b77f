/** Asking the server for runs, so that nothing is started twice, nothing waits for what is slow, and what cannot be is not tried for ever. */
import { type ExtensionHost, GoferRequestError, type PipelineName } from '@gofer/sdk/extension';
import { RequestLanes } from './request-lanes.ts';

/** A request that has no answer after this is asked again: the same key answers with the same run. */
const ANSWER_MS = 15_000;

export interface RunRequest {
  readonly pipeline: PipelineName;
  readonly idempotencyKey: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Of an earlier run: while it has not ended none is started. */
  readonly unlessRunning?: number | undefined;
}

/**
 * `skipped`: the earlier run has not ended. `refused`: the server will not start it, and asking again would change nothing; `gone` where
 * that is because there is no such pipeline, or none that this extension may run. `later`: it could not be asked now.
 */
export type RunOutcome =
  | { readonly kind: 'started'; readonly runId: number }
  | { readonly kind: 'skipped' }
  | { readonly kind: 'refused'; readonly gone: boolean; readonly message: string }
  | { readonly kind: 'later'; readonly message: string };

export class RunRequests {
  readonly #host: ExtensionHost;
  readonly #lanes = new RequestLanes();
  /** Not the host's own signal: what is under way when the extension ends may still be answered. */
  readonly #underWay = new Set<AbortController>();
  #aborted = false;

  constructor(host: ExtensionHost) {
    this.#host = host;
  }

  /** Never rejects. */
  start(request: RunRequest): Promise<RunOutcome> {
    const { namespaceId, pipelineId } = request.pipeline;
    return this.#lanes.run(`${namespaceId}/${pipelineId}`, () => this.#try(request));
  }

  /** What is under way ends now, as `later`. */
  abort(): void {
    this.#aborted = true;
    for (const controller of this.#underWay) controller.abort(new Error('the extension ends'));
  }

  async #try({ pipeline, idempotencyKey, variables, unlessRunning }: RunRequest): Promise<RunOutcome> {
    const { clock, gofer } = this.#host;
    if (this.#aborted) return { kind: 'later', message: 'the extension ends' };
    const controller = new AbortController();
    const cancel = clock.at(clock.now() + ANSWER_MS, () => controller.abort(new Error('Gofer has not answered for 15 seconds')));
    this.#underWay.add(controller);
    const { signal } = controller;
    try {
      if (unlessRunning !== undefined && (await this.#isRunning(pipeline, unlessRunning, signal))) return { kind: 'skipped' };
      const { runId } = await gofer.startRun(pipeline, { idempotencyKey, variables, patienceMs: 0, signal });
      return { kind: 'started', runId };
    } catch (error) {
      return outcomeOf(error);
    } finally {
      this.#underWay.delete(controller);
      cancel();
    }
  }

  async #isRunning(pipeline: PipelineName, runId: number, signal: AbortSignal): Promise<boolean> {
    try {
      const { state } = await this.#host.gofer.getRun(pipeline, runId, { signal });
      return state !== 'complete';
    } catch (error) {
      // A run that is no longer kept has ended.
      if (error instanceof GoferRequestError && (error.statusCode === 404 || error.statusCode === 410)) return false;
      throw error;
    }
  }
}

function outcomeOf(error: unknown): RunOutcome {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof GoferRequestError)) return { kind: 'later', message };
  const { statusCode } = error;
  const later = statusCode < 400 || statusCode >= 500 || statusCode === 408 || statusCode === 429;
  if (later) return { kind: 'later', message };
  return { kind: 'refused', gone: statusCode === 401 || statusCode === 403 || statusCode === 404 || statusCode === 410, message };
}
