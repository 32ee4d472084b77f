import type { GoferApi, PipelineName, RunState, StartRunOptions } from './extension.ts';
import { followEvents } from './follow-events.ts';
import { type Connection, requestGofer, segment, toObject } from './gofer-request.ts';
import { GoferRequestError } from './gofer-request-error.ts';

/** Answers that are waited for longer are asked for again: HTTP clients give up after some minutes without one. */
const LONGEST_WAIT_SECONDS = 240;
const STATES = ['unknown', 'pending', 'running', 'complete'] as const;
const STATUSES = ['unknown', 'failed', 'successful', 'cancelled'] as const;

export function createGoferApi(connection: Connection): GoferApi {
  return {
    async startRun(pipeline, { variables = {}, idempotencyKey, deliveryId, patienceMs, signal }: StartRunOptions) {
      const body = await requestGofer(connection, {
        method: 'POST',
        path: runsOf(pipeline),
        headers: {
          'content-type': 'application/json',
          'idempotency-key': checkedKey(idempotencyKey),
          ...(deliveryId === undefined ? {} : { 'gofer-delivery-id': deliveryId }),
        },
        body: JSON.stringify({ variables }),
        patienceMs,
        signal,
      });
      const { runId } = toRunState(body);
      return { runId };
    },
    async getRun(pipeline, runId, { waitSeconds = 0, signal } = {}) {
      const until = connection.clock.now() + waitSeconds * 1000;
      for (;;) {
        const left = Math.max(0, Math.ceil((until - connection.clock.now()) / 1000));
        const wait = Math.min(left, LONGEST_WAIT_SECONDS);
        const path = `${runsOf(pipeline)}/${runId}${wait === 0 ? '' : `?wait=${wait}`}`;
        const run = toRunState(await requestGofer(connection, { method: 'GET', path, waitMs: wait * 1000, signal }));
        if (run.state === 'complete' || connection.clock.now() >= until || wait === left) return run;
      }
    },
    events: (options) => followEvents(connection, options),
  };
}

function runsOf({ namespaceId, pipelineId }: PipelineName): string {
  return `/api/namespaces/${segment(namespaceId, 'id of a namespace')}/pipelines/${segment(pipelineId, 'id of a pipeline')}/runs`;
}

/** A header carries visible ASCII; without a key that arrives as it is, a repeated request would start a second run. */
function checkedKey(key: string): string {
  if (/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/.test(key)) return key;
  throw new GoferRequestError(
    400,
    'INVALID_ARGUMENT',
    `${JSON.stringify(key.slice(0, 80))} cannot be an idempotency key: use 1 to 255 characters of ASCII, without spaces at its ends.`,
  );
}

function toRunState(body: Buffer): RunState {
  const { run } = toObject(body);
  if (typeof run !== 'object' || run === null) throw new GoferRequestError(0, 'UNAVAILABLE', 'Gofer answered without the run.');
  const { run_id: runId, state, status, status_reason: reason, started, ended } = run as Readonly<Record<string, unknown>>;
  if (typeof runId !== 'number') throw new GoferRequestError(0, 'UNAVAILABLE', 'Gofer answered with a run that has no number.');
  const description = typeof reason === 'object' && reason !== null && 'description' in reason ? reason.description : undefined;
  return {
    runId,
    state: STATES.find((known) => known === state) ?? 'unknown',
    status: STATUSES.find((known) => known === status) ?? 'unknown',
    ...(typeof description === 'string' ? { reason: description } : {}),
    started: typeof started === 'number' ? started : 0,
    ended: typeof ended === 'number' ? ended : 0,
  };
}
