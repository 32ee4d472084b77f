import type { SchedulerCapabilities } from '../scheduler.ts';
import type { Law } from './law.ts';
import type { SchedulerStage } from './scheduler-stage.ts';

/** One clause of the scheduler contract. */
export type SchedulerLaw = Law<SchedulerStage, SchedulerCapabilities>;
