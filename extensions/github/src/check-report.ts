/** What GitHub shows of a run: pure, from a run's state to the fields of a check run. */
import type { RunState } from '@gofer/sdk/extension';
import { textOf } from '../../shared/src/parameters.ts';
import type { OpenCheck } from './open-check.ts';
import { pipelineNameOf } from './subscriptions.ts';

const CONCLUSIONS = { unknown: 'neutral', failed: 'failure', successful: 'success', cancelled: 'cancelled' } as const;
/** GitHub takes 65,535 characters of a summary. */
const MAX_REASON = 10_000;

export interface CheckBody {
  readonly status: 'in_progress' | 'completed';
  readonly started_at?: string;
  readonly completed_at?: string;
  readonly conclusion?: (typeof CONCLUSIONS)[keyof typeof CONCLUSIONS];
  readonly output: { readonly title: string; readonly summary: string };
}

/** Unique for a commit among the subscriptions of a server, and the same for every commit: rules of branches name it. */
export function checkName(check: OpenCheck): string {
  const { namespaceId, pipelineId, subscriptionId } = check;
  return namespaceId === 'default' ? `gofer/${pipelineId}/${subscriptionId}` : `gofer/${textOf(check)}`;
}

/** By which a check is found again when it is not known whether it has been made. */
export function externalId(check: OpenCheck): string {
  return `${textOf(check)}/${check.runId}`;
}

export function detailsUrl(template: string, check: OpenCheck): string {
  const values: Readonly<Record<string, string>> = {
    namespace: check.namespaceId,
    pipeline: check.pipelineId,
    run: String(check.runId),
  };
  return template.replace(/\{(namespace|pipeline|run)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
}

export function startedCheck(check: OpenCheck): CheckBody {
  return {
    status: 'in_progress',
    started_at: new Date(check.opened).toISOString(),
    output: { title: `Run ${check.runId} is under way`, summary: `Gofer runs \`${pipelineNameOf(check)}\`, run ${check.runId}.` },
  };
}

/** Undefined: the run is not known any more. */
export function endedCheck(check: OpenCheck, run: RunState | undefined, now: number): CheckBody {
  const subject = `\`${pipelineNameOf(check)}\`, run ${check.runId}`;
  if (run === undefined) {
    const output = { title: `Run ${check.runId} is not known any more`, summary: `Gofer has no ${subject} any more: it was deleted.` };
    return { status: 'completed', conclusion: 'neutral', completed_at: new Date(now).toISOString(), output };
  }
  const status =
    run.status === 'unknown' ? 'has ended, and nobody knows how' : `${run.status === 'cancelled' ? 'was' : 'has'} ${WORDS[run.status]}`;
  const lasted = run.started > 0 && run.ended >= run.started ? ` It lasted ${Math.round((run.ended - run.started) / 1000)} seconds.` : '';
  const reason = run.reason === undefined || run.reason === '' ? '' : `\n\nReason: ${run.reason.slice(0, MAX_REASON)}`;
  return {
    status: 'completed',
    conclusion: CONCLUSIONS[run.status],
    completed_at: new Date(run.ended > 0 ? run.ended : now).toISOString(),
    output: { title: `Run ${check.runId} ${status}`, summary: `${subject} ${status}.${lasted}${reason}` },
  };
}

const WORDS = { failed: 'failed', successful: 'succeeded', cancelled: 'cancelled' } as const;
