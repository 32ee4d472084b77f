/** What is known of an extension at this moment beside its registration, for whoever asks how it is. */
export interface ExtensionView {
  /** `processing`: being started or stopped; `exited`: it does not run. */
  readonly state: 'processing' | 'running' | 'exited';
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  /** Where the server reaches it; empty where it does not run. */
  readonly url: string;
  /** When it was last started, epoch milliseconds; 0: not yet. */
  readonly started: number;
  /** What it waits for, or why it does not run, for a person. */
  readonly reason?: string;
  /** When it is started again, epoch milliseconds. */
  readonly nextStart?: number;
  /** The scheduler that runs it, or `builtin`. */
  readonly engine?: string;
}

export const NOT_STARTED: ExtensionView = { state: 'exited', health: 'unknown', url: '', started: 0 };
