export type { FakeConfig } from './fake-config.ts';
export { fakeScheduler, fakeScheduler as plugin } from './fake-scheduler.ts';
export type { FakeRule, FakeScript, FakeStep } from './fake-script.ts';
