/** One clause of a contract, made checkable on a stage, which is where it meets a plugin. */
export interface Law<Stage, Capabilities> {
  /** Unique within its suite; reads as a sentence behind the contract's name. */
  readonly name: string;
  /** Holds for plugins of which this is true; absent: for all. */
  readonly when?: (capabilities: Capabilities) => boolean;
  /** True: gets a stage of its own, which it may close. */
  readonly alone?: boolean;
  readonly check: (stage: Stage) => Promise<void>;
}

export type Hosting = 'directly' | 'behind a port';

export const HOSTINGS: readonly Hosting[] = ['directly', 'behind a port'];

/** Never aborts. */
export const NEVER = new AbortController().signal;
