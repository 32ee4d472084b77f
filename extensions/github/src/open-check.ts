/** A check that GitHub is to be told the end of; kept in an object of the extension until it has been. */
import type { SubscriptionName } from '@gofer/sdk/extension';
import { textOf } from '../../shared/src/parameters.ts';
import { textAt, valueAt } from './json-path.ts';

export interface OpenCheck extends SubscriptionName {
  readonly runId: number;
  /** `org/repo`, as GitHub wrote it. */
  readonly repository: string;
  readonly headSha: string;
  /** Epoch milliseconds. */
  readonly opened: number;
  /** GitHub's id of the check run; absent: it is not known whether there is one. */
  readonly checkId?: number;
}

export const CHECK_PREFIX = 'check-';

/** The key of its object. */
export function checkKey(check: OpenCheck): string {
  return `${CHECK_PREFIX}${textOf(check)}/${check.runId}`;
}

/** Undefined for what is none. */
export function readOpenCheck(body: Uint8Array): OpenCheck | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  const runId = valueAt(value, 'runId');
  const opened = valueAt(value, 'opened');
  const checkId = valueAt(value, 'checkId');
  const texts = {
    namespaceId: textAt(value, 'namespaceId'),
    pipelineId: textAt(value, 'pipelineId'),
    subscriptionId: textAt(value, 'subscriptionId'),
    repository: textAt(value, 'repository'),
    headSha: textAt(value, 'headSha'),
  };
  if (Object.values(texts).includes('') || typeof runId !== 'number' || typeof opened !== 'number') return undefined;
  return { ...texts, runId, opened, ...(typeof checkId === 'number' ? { checkId } : {}) };
}
