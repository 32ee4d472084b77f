/** Why something that has not ended is not going on, in words for a person. Every such state has one of these. */
export type WaitingReason =
  /** A task: parents that have not ended. */
  | { readonly kind: 'parents'; readonly taskIds: readonly string[] }
  /** A run: others that were asked for earlier and have not started either. */
  | { readonly kind: 'queue'; readonly ahead: number }
  | { readonly kind: 'pipeline-limit'; readonly runs: number }
  | { readonly kind: 'server-limit'; readonly runs: number }
  /** A task: as many run as the engine may run. */
  | { readonly kind: 'engine-limit'; readonly tasks: number }
  /** A task that is being started; `progress` is the engine's own word: `pulling image 42 %`. */
  | { readonly kind: 'starting'; readonly progress?: string }
  /** A task: the engine is not reachable; `detail` says how. */
  | { readonly kind: 'engine-unavailable'; readonly detail: string }
  /** Found again after a restart, not yet reached. */
  | { readonly kind: 'recovering' }
  /** Being cancelled; `detail` says what is waited for. */
  | { readonly kind: 'cancelling'; readonly detail: string };

/** Parents that are named; the rest are counted. */
const NAMED_PARENTS = 5;

export function describeWaiting(reason: WaitingReason): string {
  switch (reason.kind) {
    case 'parents': {
      const named = reason.taskIds.slice(0, NAMED_PARENTS).join(', ');
      const more = reason.taskIds.length - NAMED_PARENTS;
      return `waiting for: ${named}${more > 0 ? ` and ${more} more` : ''}`;
    }
    case 'queue':
      return reason.ahead === 0 ? 'next to start' : `queued behind ${count(reason.ahead, 'run')}`;
    case 'pipeline-limit':
      return `pipeline limit of ${count(reason.runs, 'run')} reached`;
    case 'server-limit':
      return `server limit of ${count(reason.runs, 'run')} reached`;
    case 'engine-limit':
      return `engine limit of ${count(reason.tasks, 'running task')} reached`;
    case 'starting':
      return reason.progress ?? 'starting';
    case 'engine-unavailable':
      return `engine is not reachable: ${reason.detail}`;
    case 'recovering':
      return 'looking for it after a restart of the server';
    case 'cancelling':
      return `cancelling: ${reason.detail}`;
  }
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
