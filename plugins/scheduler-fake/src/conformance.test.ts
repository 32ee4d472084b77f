import { schedulerSuite } from '@gofer/contracts/conformance';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { fakeHarness } from './fake-harness.ts';

const runner = { describe, it, before: beforeAll, after: afterAll };

schedulerSuite(runner, fakeHarness('fake'));
schedulerSuite(
  runner,
  fakeHarness('fake without its capabilities', { exec: false, endpoints: false, streams: false, replay: false, images: false }),
);
