import { expect, test } from 'vitest';
import type { WaitingReason } from './waiting-reason.ts';
import { describeWaiting } from './waiting-reason.ts';

test.each<[WaitingReason, string]>([
  [{ kind: 'parents', taskIds: ['build', 'test'] }, 'waiting for: build, test'],
  [{ kind: 'parents', taskIds: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }, 'waiting for: a, b, c, d, e and 2 more'],
  [{ kind: 'queue', ahead: 3 }, 'queued behind 3 runs'],
  [{ kind: 'queue', ahead: 1 }, 'queued behind 1 run'],
  [{ kind: 'queue', ahead: 0 }, 'next to start'],
  [{ kind: 'pipeline-limit', runs: 2 }, 'pipeline limit of 2 runs reached'],
  [{ kind: 'server-limit', runs: 1 }, 'server limit of 1 run reached'],
  [{ kind: 'engine-limit', tasks: 64 }, 'engine limit of 64 running tasks reached'],
  [{ kind: 'starting' }, 'starting'],
  [{ kind: 'starting', progress: 'pulling image 42 %' }, 'pulling image 42 %'],
  [{ kind: 'engine-unavailable', detail: 'connection refused' }, 'engine is not reachable: connection refused'],
  [{ kind: 'recovering' }, 'looking for it after a restart of the server'],
  [{ kind: 'cancelling', detail: 'waiting for build to stop' }, 'cancelling: waiting for build to stop'],
])('%j', (reason, text) => {
  expect(describeWaiting(reason)).toBe(text);
});
