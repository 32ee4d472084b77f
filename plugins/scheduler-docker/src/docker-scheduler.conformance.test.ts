import { schedulerSuite } from '@gofer/contracts/conformance';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { BUSYBOX_IMAGE } from '../../../test/backends/busybox-image.ts';
import { describeDocker } from '../../../test/backends/docker-engine.ts';
import { DEFAULT_CONFIG } from '../test/scheduler-fixture.ts';
import { plugin } from './plugin.ts';

/** An engine starts two or three containers a second; of the port, other plugins' tests say in a fraction of the time that it changes nothing. */
const HOSTINGS = process.env['GOFER_LONG_TESTS'] === undefined ? { hostings: ['directly'] as const } : {};

await describeDocker('conformance', () => {
  schedulerSuite(
    { describe, it, before: beforeAll, after: afterAll },
    {
      name: 'docker',
      ...HOSTINGS,
      capabilities: { exec: true, endpoints: true, streams: true, replay: true, images: true, isolation: true },
      image: BUSYBOX_IMAGE,
      reach: (url) => ({ command: ['wget', '-q', '-O', '-', url] }),
      create: (host) => plugin.create(DEFAULT_CONFIG, host),
    },
  );
});
