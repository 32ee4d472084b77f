/** Why something that has not ended is not going on: what it waits for, since when, until when, and what happens next. */
export type WaitingReason =
  /** A task: parents that have not ended. */
  | { readonly kind: 'parents'; readonly taskIds: readonly string[] }
  /** A run: tasks that have not ended. */
  | { readonly kind: 'tasks'; readonly taskIds: readonly string[] }
  /** A run: as many of its pipeline run as may, and `ahead` came before it. */
  | { readonly kind: 'pipeline-limit'; readonly runs: number; readonly ahead: number }
  /** A run: as many run as the server takes; `ahead` of the same pipeline came before it. */
  | { readonly kind: 'server-limit'; readonly runs: number; readonly ahead: number }
  /** A task: as many run as the engine may run. */
  | { readonly kind: 'engine-limit'; readonly tasks: number }
  /** A task that is being started; `progress` is the engine's own word: `pulling image 42 %`. */
  | { readonly kind: 'starting'; readonly progress?: string }
  /** A task that runs. */
  | { readonly kind: 'running' }
  /** A task that failed and is tried again; `attempt` is the next one's number. */
  | { readonly kind: 'retry'; readonly attempt: number; readonly failure: string }
  /** Found again after a restart, not yet reached. */
  | { readonly kind: 'recovering' }
  /** The database does not take what has happened. */
  | { readonly kind: 'database'; readonly detail: string }
  /** A run that is being ended, and its tasks that have not ended. */
  | { readonly kind: 'cancelling'; readonly cause: string; readonly taskIds: readonly string[] }
  /** A task that is being ended; `isStarted` is false while its start is taken back. */
  | { readonly kind: 'stopping'; readonly cause: string; readonly isStarted: boolean };

/** Times are epoch milliseconds. */
export interface Waiting {
  readonly reason: WaitingReason;
  readonly since: number;
  /** When it changes at the latest, where that is known. */
  readonly until?: number;
}

/** Ids that are named; the rest are counted. */
const NAMED = 5;

/** What it waits for, in words for a person. */
export function describeWaiting(reason: WaitingReason): string {
  switch (reason.kind) {
    case 'parents':
    case 'tasks':
      return `waiting for: ${name(reason.taskIds)}`;
    case 'pipeline-limit':
      return `pipeline limit of ${count(reason.runs, 'run')} reached; ${describePlace(reason.ahead)}`;
    case 'server-limit':
      return `server limit of ${count(reason.runs, 'run')} reached; ${describePlace(reason.ahead)}`;
    case 'engine-limit':
      return `engine limit of ${count(reason.tasks, 'running task')} reached`;
    case 'starting':
      return reason.progress ?? 'starting';
    case 'running':
      return 'running';
    case 'retry':
      return `attempt ${reason.attempt - 1} failed (${reason.failure}); attempt ${reason.attempt} follows`;
    case 'recovering':
      return 'looking for it after a restart of the server';
    case 'database':
      return `the database does not take what has happened: ${reason.detail}`;
    case 'cancelling':
      return `${reason.cause}${reason.taskIds.length === 0 ? '' : `; waiting for: ${name(reason.taskIds)}`}`;
    case 'stopping':
      return `${reason.cause}; ${reason.isStarted ? 'SIGTERM was sent' : 'taking back its start'}`;
  }
}

/** What happens next, in words for a person. */
export function describeNext({ reason, until }: Waiting): string {
  switch (reason.kind) {
    case 'parents':
      return 'it starts, or is skipped, once they have ended';
    case 'tasks':
      return until === undefined ? 'it ends with its last task' : 'it ends with its last task; if it takes longer, it is ended as failed';
    case 'pipeline-limit':
    case 'server-limit':
      return until === undefined
        ? 'it begins once another run has ended'
        : 'it begins once another run has ended; if it waits longer, it fails';
    case 'engine-limit':
      return until === undefined
        ? 'it starts once another task has ended'
        : 'it starts once another task has ended; if it waits longer, it fails';
    case 'starting':
      return until === undefined ? 'the engine starts it' : 'the engine starts it; if that takes longer, the attempt fails';
    case 'running':
      return until === undefined
        ? 'it ends when its process does'
        : 'it ends when its process does; if it takes longer, it is sent SIGTERM';
    case 'retry':
      return `attempt ${reason.attempt} starts`;
    case 'recovering':
      return 'it goes on once it is found';
    case 'database':
      return 'it is written again, with growing pauses, until it succeeds';
    case 'cancelling':
      return 'it ends with its last task';
    case 'stopping':
      return reason.isStarted ? 'if it has not ended by then, it is sent SIGKILL' : 'it ends once the engine has taken its start back';
  }
}

function describePlace(ahead: number): string {
  return ahead === 0 ? 'next to start' : `queued behind ${count(ahead, 'run')}`;
}

function name(ids: readonly string[]): string {
  const more = ids.length - NAMED;
  return `${ids.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
