/** One clause of the scheduler contract, made checkable. */
import type { SchedulerCapabilities } from '../scheduler.ts';
import type { SchedulerStage } from './scheduler-stage.ts';

export interface SchedulerLaw {
  /** Unique; reads as a sentence after "scheduler …". */
  readonly name: string;
  /** Holds for plugins of which this is true; absent: for all. */
  readonly when?: (capabilities: SchedulerCapabilities) => boolean;
  /** True: gets a stage of its own, which it may close. */
  readonly alone?: boolean;
  readonly check: (stage: SchedulerStage) => Promise<void>;
}
