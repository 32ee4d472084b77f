/** Reads time limits, retries and concurrency. `null` and absence are the same, and what is absent stays absent in the definition. */

import type { FaultList } from './fault-list.ts';
import { isJsonObject, type JsonObject, kindOf, memberPath, quote, readOptionalBoolean } from './field-readers.ts';
import type { Concurrency, PipelineReliability, RetryBackoff, RetryCause, RetrySettings, TaskReliability } from './pipeline-definition.ts';
import { PIPELINE_LIMITS } from './pipeline-limits.ts';
import { CONCURRENCY_JSON } from './reliability-json.ts';

const CONCURRENCIES: ReadonlyMap<unknown, Concurrency> = new Map([
  [CONCURRENCY_JSON.queue, 'queue'],
  [CONCURRENCY_JSON.cancelOldest, 'cancelOldest'],
  [CONCURRENCY_JSON.cancelNewest, 'cancelNewest'],
]);
const HIGHEST_EXIT_CODE = 255;

interface NumberRule {
  readonly least: number;
  readonly most: number;
  readonly isWhole: boolean;
  /** What a message calls it. */
  readonly what: string;
}

const TIME_LIMIT: NumberRule = { least: 1, most: PIPELINE_LIMITS.durationSeconds, isWhole: true, what: 'a whole number of seconds' };
const RETRIES: NumberRule = { least: 0, most: PIPELINE_LIMITS.retries, isWhole: true, what: 'a whole number of attempts' };
const WAIT: NumberRule = { least: 0, most: PIPELINE_LIMITS.durationSeconds, isWhole: false, what: 'a number of seconds' };
const FACTOR: NumberRule = { least: 1, most: PIPELINE_LIMITS.retryBackoffFactor, isWhole: false, what: 'a number' };

export function readTaskReliability(task: JsonObject, path: string, faults: FaultList): TaskReliability {
  const always = readOptionalBoolean(task, 'always', path, faults);
  return { ...readCommon(task, path, faults), ...(always ? { always } : undefined) };
}

export function readPipelineReliability(pipeline: JsonObject, faults: FaultList): PipelineReliability {
  const concurrency = readConcurrency(pipeline.concurrency, faults);
  return { ...readCommon(pipeline, '$', faults), ...(concurrency === undefined ? undefined : { concurrency }) };
}

interface Common extends RetrySettings {
  readonly timeout?: number;
  readonly startTimeout?: number;
}

function readCommon(object: JsonObject, path: string, faults: FaultList): Common {
  const timeout = readNumber(object, 'timeout', path, TIME_LIMIT, faults);
  const startTimeout = readNumber(object, 'start_timeout', path, TIME_LIMIT, faults);
  const retries = readNumber(object, 'retries', path, RETRIES, faults);
  const retryOn = readRetryOn(object.retry_on, path, faults);
  const retryBackoff = readRetryBackoff(object.retry_backoff, path, faults);
  return {
    ...(timeout === undefined ? undefined : { timeout }),
    ...(startTimeout === undefined ? undefined : { startTimeout }),
    ...(retries === undefined ? undefined : { retries }),
    ...(retryOn === undefined ? undefined : { retryOn }),
    ...(retryBackoff === undefined ? undefined : { retryBackoff }),
  };
}

function readConcurrency(value: unknown, faults: FaultList): Concurrency | undefined {
  if (value === undefined || value === null) return undefined;
  const concurrency = CONCURRENCIES.get(value);
  if (concurrency === undefined) faults.add('$.concurrency', `must be queue, cancel_oldest or cancel_newest, is ${found(value)}`);
  return concurrency;
}

function readRetryOn(value: unknown, path: string, faults: FaultList): readonly RetryCause[] | undefined {
  if (value === undefined || value === null) return undefined;
  const at = `${path}.retry_on`;
  if (!Array.isArray(value)) {
    faults.add(at, `must be an array of causes, is ${kindOf(value)}`);
    return undefined;
  }
  if (value.length === 0) faults.add(at, 'must name one cause or more; for no retries set retries to 0');
  const positions = new Map<RetryCause, number>();
  for (const [index, cause] of (value as readonly unknown[]).entries()) {
    if (!isRetryCause(cause)) {
      faults.add(`${at}[${index}]`, `must be failure, infrastructure, timeout or an exit code from 1 to 255, is ${found(cause)}`);
      continue;
    }
    const earlier = positions.get(cause);
    if (earlier === undefined) positions.set(cause, index);
    else faults.add(`${at}[${index}]`, `is already named by ${at}[${earlier}]`);
  }
  return [...positions.keys()];
}

function isRetryCause(value: unknown): value is RetryCause {
  if (value === 'failure' || value === 'infrastructure' || value === 'timeout') return true;
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= HIGHEST_EXIT_CODE;
}

function readRetryBackoff(value: unknown, path: string, faults: FaultList): RetryBackoff | undefined {
  if (value === undefined || value === null) return undefined;
  const at = `${path}.retry_backoff`;
  if (!isJsonObject(value)) {
    faults.add(at, `must be an object with initial, maximum and factor, is ${kindOf(value)}`);
    return undefined;
  }
  const initial = readNumber(value, 'initial', at, WAIT, faults);
  const maximum = readNumber(value, 'maximum', at, WAIT, faults);
  const factor = readNumber(value, 'factor', at, FACTOR, faults);
  if (initial !== undefined && maximum !== undefined && maximum < initial) {
    faults.add(`${at}.maximum`, `must not be below initial, which is ${initial}; is ${maximum}`);
  }
  return {
    ...(initial === undefined ? undefined : { initial }),
    ...(maximum === undefined ? undefined : { maximum }),
    ...(factor === undefined ? undefined : { factor }),
  };
}

function readNumber(object: JsonObject, key: string, path: string, rule: NumberRule, faults: FaultList): number | undefined {
  const value = object[key];
  if (value === undefined || value === null) return undefined;
  const { least, most, isWhole, what } = rule;
  if (typeof value === 'number' && value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
  faults.add(memberPath(path, key), `must be ${what} from ${least} to ${most}, is ${found(value)}`);
  return undefined;
}

function found(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  return typeof value === 'number' ? String(value) : kindOf(value);
}
