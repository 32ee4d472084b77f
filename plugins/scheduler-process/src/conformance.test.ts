import { schedulerSuite } from '@gofer/contracts/conformance';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { plugin } from './index.ts';

const ASK = 'fetch(process.argv[1]).then((answer) => answer.text()).then((text) => process.stdout.write(text));';

schedulerSuite(
  { describe, it, before: beforeAll, after: afterAll },
  {
    name: 'process',
    capabilities: { exec: true, endpoints: false, streams: true, replay: false, images: false, isolation: false },
    image: 'none',
    reach: (url) => ({ command: [process.execPath, '--eval', ASK, url] }),
    create: (host) => plugin.create({ enable: true, max_output_memory: 1024 * 1024, idle_timeout: 30 }, host),
  },
);
