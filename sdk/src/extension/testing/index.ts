export { type KitOptions, type KitRequest, type KitRun, startTestKit, type TestKit } from './test-kit.ts';
export { VirtualClock } from './virtual-clock.ts';
