import { checkDuration, type Duration } from './duration.ts';
import { quote } from './identifier.ts';
import { PipelineError } from './pipeline-error.ts';
import type { RetriesJson } from './pipeline-json.ts';

/**
 * Which ends of an attempt are tried again: `failure` (any exit code but 0), `infrastructure` (the container was lost, or could not be
 * started or its image pulled in time), `timeout` (it took longer than the task's timeout), or one exit code, 1 to 255.
 */
export type RetryCause = 'failure' | 'infrastructure' | 'timeout' | number;

export interface RetryOptions {
  /** All three words where it is left out. */
  readonly on?: readonly RetryCause[];
  /** How long to wait before each further attempt. */
  readonly backoff?: {
    /** Before the second attempt; 1 second where it is left out. */
    readonly initial?: Duration;
    /** The longest wait, not below `initial`; 5 minutes where it is left out. */
    readonly maximum?: Duration;
    /** What each wait is multiplied with for the next, 1 to 100; 2 where it is left out. */
    readonly factor?: number;
  };
}

const HIGHEST_RETRIES = 100;
const HIGHEST_FACTOR = 100;

/** `of`: whose they are, for a message. */
export function checkRetries(retries: number, { on, backoff }: RetryOptions, of: string): RetriesJson {
  if (!Number.isInteger(retries) || retries < 0 || retries > HIGHEST_RETRIES) {
    throw new PipelineError(`the retries of ${of} must be a whole number from 0 to ${HIGHEST_RETRIES}, not ${quote(retries)}`);
  }
  return {
    retries,
    ...(on === undefined ? {} : { retry_on: checkCauses(on, of) }),
    ...(backoff === undefined ? {} : { retry_backoff: checkBackoff(backoff, of) }),
  };
}

function checkCauses(causes: readonly RetryCause[], of: string): readonly RetryCause[] {
  if (!Array.isArray(causes) || causes.length === 0) {
    throw new PipelineError(`what the retries of ${of} are on must be a list of one cause or more, not ${quote(causes)}`);
  }
  for (const [index, cause] of causes.entries()) {
    if (!isCause(cause)) {
      throw new PipelineError(
        `the retries of ${of} cannot be on ${quote(cause)}; use "failure", "infrastructure", "timeout" or an exit code from 1 to 255`,
      );
    }
    if (causes.indexOf(cause) !== index) throw new PipelineError(`the retries of ${of} name ${quote(cause)} twice`);
  }
  return [...causes];
}

function isCause(cause: unknown): cause is RetryCause {
  if (typeof cause === 'number') return Number.isInteger(cause) && cause >= 1 && cause <= 255;
  return cause === 'failure' || cause === 'infrastructure' || cause === 'timeout';
}

function checkBackoff(backoff: NonNullable<RetryOptions['backoff']>, of: string): NonNullable<RetriesJson['retry_backoff']> {
  const { factor } = backoff;
  const initial = backoff.initial === undefined ? undefined : checkDuration(backoff.initial, `the initial backoff of ${of}`);
  const maximum = backoff.maximum === undefined ? undefined : checkDuration(backoff.maximum, `the maximum backoff of ${of}`);
  if (initial !== undefined && maximum !== undefined && maximum < initial) {
    throw new PipelineError(`the maximum backoff of ${of} is below the initial one: ${maximum} seconds, ${initial} seconds`);
  }
  if (factor !== undefined && !(typeof factor === 'number' && factor >= 1 && factor <= HIGHEST_FACTOR)) {
    throw new PipelineError(`the backoff factor of ${of} must be a number from 1 to ${HIGHEST_FACTOR}, not ${quote(factor)}`);
  }
  return {
    ...(initial === undefined ? {} : { initial }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(factor === undefined ? {} : { factor }),
  };
}
