export { LawBroken } from './assertions.ts';
export type { SchedulerHarness, SuiteRunner } from './scheduler-harness.ts';
export type { SchedulerLaw } from './scheduler-law.ts';
export type { Hosting } from './scheduler-stage.ts';
export type { LawResult } from './scheduler-suite.ts';
export {
  checkScheduler,
  SCHEDULER_LAWS,
  schedulerSuite,
} from './scheduler-suite.ts';
export type { ProgramStep, TaskCommand, TaskProgram } from './task-program.ts';
export { shellProgram } from './task-program.ts';
