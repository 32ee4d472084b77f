import { GoferError } from '@gofer/contracts';
import type { Run } from '@gofer/contracts/api';
import { variableFaults } from '@gofer/contracts/pipeline';
import { isSecretReference, parseReference, type Reference, versionForRun } from '../domain/index.ts';
import type { Orchestrator } from '../orchestrator/orchestrator.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';
import type { Deletions } from './deletions.ts';
import type { DiskReserve } from './disk-reserve.ts';
import type { Lookup } from './lookup.ts';
import { insertRun } from './new-run.ts';
import { insertRetry, type RetryRequest } from './run-retry.ts';
import type { CancelRequest, PipelinePath, RunPath, RunService } from './services.ts';
import { toRun } from './wire.ts';

export interface RunServiceParts {
  readonly store: Store;
  readonly lookup: Lookup;
  readonly orchestrator: Orchestrator;
  readonly deletions: Deletions;
  readonly disk: DiskReserve;
  readonly now: () => number;
  /** Milliseconds between SIGTERM and SIGKILL when a run is cancelled. */
  readonly stopGraceMs: number;
}

const LONGEST_KEY = 255;

type StartRequest = Parameters<RunService['start']>[1];

export class StoredRunService implements RunService {
  readonly #parts: RunServiceParts;

  constructor(parts: RunServiceParts) {
    this.#parts = parts;
  }

  async list(path: PipelinePath, query: { limit: number; offset: number; reverse: boolean }): Promise<Run[]> {
    const pipeline = this.#parts.lookup.pipeline(path);
    return this.#parts.store.runs.list(pipeline.uid, query).map((run) => this.#toRun(pipeline, run));
  }

  async start(path: PipelinePath, request: StartRequest): Promise<Run> {
    const { store, orchestrator } = this.#parts;
    const key = request.idempotencyKey;
    if (key !== undefined && (key.length === 0 || key.length > LONGEST_KEY)) {
      throw new GoferError('INVALID_ARGUMENT', `Idempotency-Key must have 1 to ${LONGEST_KEY} characters.`);
    }
    const faults = variableFaults(request.variables, '$.variables');
    const [first] = faults;
    if (first !== undefined) {
      throw new GoferError('INVALID_ARGUMENT', `The run cannot be started. ${first.path}: ${first.message}`, { details: faults });
    }
    assertMayRefer(request.variables, request.mayRead);
    const { pipeline, run, isNew } = await store.commitAudited(() => this.#insert(path, request));
    if (isNew) orchestrator.submit(run);
    return this.#toRun(pipeline, run);
  }

  async get(path: RunPath): Promise<Run> {
    const { pipeline, run } = this.#parts.lookup.run(path);
    return this.#toRun(pipeline, run);
  }

  async wait(path: RunPath, seconds: number, signal: AbortSignal): Promise<Run> {
    const { pipeline, run } = this.#parts.lookup.run(path);
    if (run.state === 'complete') return this.#toRun(pipeline, run);
    const time = new AbortController();
    const timer = setTimeout(() => time.abort(), seconds * 1000);
    try {
      await this.#parts.orchestrator.whenEnded(run.uid, AbortSignal.any([signal, time.signal]));
    } catch (error) {
      if (!time.signal.aborted && !signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
    // By its own id: the path may name another one by now.
    const ended = this.#parts.store.runs.byUid(run.uid);
    if (ended === undefined) throw new GoferError('NOT_FOUND', `Run ${path.runId} was deleted with pipeline '${path.pipelineId}'.`);
    return this.#toRun(pipeline, ended);
  }

  async cancel(path: RunPath, request: CancelRequest): Promise<void> {
    const { run } = this.#parts.lookup.run(path);
    await this.#cancel([run], request);
  }

  async cancelAll(path: PipelinePath, request: CancelRequest): Promise<number[]> {
    const { store, lookup } = this.#parts;
    const runs = store.runs.unfinishedOf(lookup.pipeline(path).uid);
    await this.#cancel(runs, request);
    return runs.map(({ runId }) => runId);
  }

  /** On the disk before it is answered: a server that dies now carries it out when it is back. */
  async #cancel(runs: readonly RunRecord[], { by, graceSeconds, force }: CancelRequest): Promise<void> {
    const { store, orchestrator, stopGraceMs, now } = this.#parts;
    const graceMs = force ? 0 : graceSeconds === undefined ? stopGraceMs : graceSeconds * 1000;
    const cancellation = {
      cause: 'cancelled',
      reason: 'user_cancelled',
      description: `cancelled by ${by.user}`,
      by,
      at: now(),
      graceMs,
      force,
    } as const;
    await store.commitAudited(() => {
      for (const run of runs) store.runs.requestCancel(run.uid, cancellation);
    });
    for (const run of runs) orchestrator.cancelRun(run.uid, cancellation);
  }

  async retry(path: RunPath, request: RetryRequest & { mayRead: StartRequest['mayRead'] }): Promise<Run> {
    const { store, lookup, orchestrator, disk, now } = this.#parts;
    if (!request.mayRead('runs'))
      throw new GoferError(
        'PERMISSION_DENIED',
        'A run that is repeated is answered with the variables of the earlier one, and these credentials do not permit to read runs.',
      );
    const { pipeline, run: earlier } = lookup.run(path);
    disk.assertRoom();
    assertMayRefer(Object.fromEntries(earlier.variables.map(({ key, value }) => [key, value])), request.mayRead);
    const run = await store.commitAudited(() => insertRetry(store, lookup, path, request, now()));
    orchestrator.submit(run);
    return this.#toRun(pipeline, run);
  }

  async purge(path: RunPath): Promise<void> {
    const { store, lookup, deletions, now } = this.#parts;
    const run = await store.commitAudited(() => {
      const found = lookup.run(path);
      if (found.run.state !== 'complete') {
        throw new GoferError(
          'FAILED_PRECONDITION',
          `Run ${path.runId} of pipeline '${path.pipelineId}' has not ended, and only a run that has can be deleted. Cancel it first: gofer run cancel ${path.pipelineId} ${path.runId}`,
        );
      }
      store.pipelines.keepRunId(found.pipeline.uid, found.run.runId);
      store.runs.hide(found.run.uid, now());
      // Its rows go later; whoever holds a token of its tasks must not have it any longer.
      store.tokens.deleteOfRun(found.run.uid);
      return found.run;
    });
    deletions.emptyRun(run);
  }

  /** Inside a commit. */
  #insert(path: PipelinePath, request: StartRequest) {
    const { store, lookup, now } = this.#parts;
    const pipeline = lookup.pipeline(path);
    const known = request.idempotencyKey === undefined ? undefined : store.runs.byIdempotencyKey(pipeline.uid, request.idempotencyKey);
    if (known !== undefined) {
      if (known.initiator.id !== request.initiator.id && !request.mayRead('runs')) {
        throw new GoferError(
          'ALREADY_EXISTS',
          'Somebody else has started a run with this Idempotency-Key, and these credentials do not permit to read runs. Use another key.',
        );
      }
      store.trail.add('run_id', known.runId);
      store.trail.add('repeated', 'true');
      return { pipeline, run: known, isNew: false };
    }
    const live = store.configs.states(pipeline.uid).filter(({ state }) => state === 'live');
    const version = versionForRun(
      live.map((config) => ({ version: config.version, share: 1 })),
      0,
    );
    if (version === undefined) {
      const newest = store.configs.highestVersion(pipeline.uid);
      throw new GoferError(
        'FAILED_PRECONDITION',
        `No version of pipeline '${path.pipelineId}' is live. Deploy one with: gofer pipeline config deploy ${path.pipelineId} ${newest}`,
      );
    }
    this.#parts.disk.assertRoom();
    const variables = Object.entries(request.variables).map(([name, value]) => ({ key: name, value, source: 'run_options' as const }));
    const { initiator, idempotencyKey } = request;
    const run = insertRun(store, pipeline, { configVersion: version, initiator, variables, idempotencyKey, now: now() });
    if (request.because !== undefined) store.deliveries.addRun(request.because.extensionId, request.because.deliveryId, run.uid);
    return { pipeline, run, isNew: true };
  }

  #toRun(pipeline: PipelineRecord, run: RunRecord): Run {
    return toRun(pipeline, run, run.state === 'complete' ? undefined : this.#parts.orchestrator.runWaiting(run));
  }
}

/** Whoever may not read a secret must not have a task read it to them. */
function assertMayRefer(variables: StartRequest['variables'], mayRead: StartRequest['mayRead']): void {
  for (const [name, value] of Object.entries(variables)) {
    const reference = referenceIn(name, value);
    if (reference === undefined || !isSecretReference(reference)) continue;
    const kind = reference.kind === 'global_secret' ? 'global' : 'pipeline';
    if (!mayRead(kind)) {
      throw new GoferError(
        'PERMISSION_DENIED',
        `The run cannot be started: variable '${name}' refers to a ${kind} secret, and these credentials do not permit to read ${kind} secrets.`,
      );
    }
  }
}

function referenceIn(name: string, value: string): Reference | undefined {
  try {
    return parseReference(value);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new GoferError('INVALID_ARGUMENT', `The run cannot be started. $.variables.${name} ${message}.`, {
      cause: error,
      details: [{ path: `$.variables.${name}`, message }],
    });
  }
}
