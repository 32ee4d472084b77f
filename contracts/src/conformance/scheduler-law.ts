import type { SchedulerCapabilities } from '../scheduler.ts';
import type { Law } from './law.ts';
import type { SchedulerStage } from './scheduler-stage.ts';

/** What decides which laws a plugin is held to. */
export interface SchedulerTraits extends SchedulerCapabilities {
  /** The harness can have a task ask for a URL. */
  readonly reaches: boolean;
}

/** One clause of the scheduler contract. */
export type SchedulerLaw = Law<SchedulerStage, SchedulerTraits>;
