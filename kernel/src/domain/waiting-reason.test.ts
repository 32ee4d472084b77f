import { expect, test } from 'vitest';
import type { WaitingReason } from './waiting-reason.ts';
import { describeNext, describeWaiting } from './waiting-reason.ts';

test.each<[WaitingReason, string]>([
  [{ kind: 'parents', taskIds: ['build', 'test'] }, 'waiting for: build, test'],
  [{ kind: 'parents', taskIds: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }, 'waiting for: a, b, c, d, e and 2 more'],
  [{ kind: 'tasks', taskIds: ['build'] }, 'waiting for: build'],
  [{ kind: 'pipeline-limit', runs: 2, ahead: 3 }, 'pipeline limit of 2 runs reached; queued behind 3 runs'],
  [{ kind: 'pipeline-limit', runs: 1, ahead: 1 }, 'pipeline limit of 1 run reached; queued behind 1 run'],
  [{ kind: 'server-limit', runs: 1, ahead: 0 }, 'server limit of 1 run reached; next to start'],
  [{ kind: 'engine-limit', tasks: 64 }, 'engine limit of 64 running tasks reached'],
  [{ kind: 'starting' }, 'starting'],
  [{ kind: 'starting', progress: 'pulling image 42 %' }, 'pulling image 42 %'],
  [{ kind: 'running' }, 'running'],
  [{ kind: 'retry', attempt: 2, failure: 'exit code 3' }, 'attempt 1 failed (exit code 3); attempt 2 follows'],
  [{ kind: 'recovering' }, 'looking for it after a restart of the server'],
  [{ kind: 'database', detail: 'disk full' }, 'the database does not take what has happened: disk full'],
  [{ kind: 'cancelling', cause: 'cancelled by ann', taskIds: ['build'] }, 'cancelled by ann; waiting for: build'],
  [{ kind: 'cancelling', cause: 'cancelled by ann', taskIds: [] }, 'cancelled by ann'],
  [{ kind: 'stopping', cause: 'cancelled by ann', isStarted: true }, 'cancelled by ann; SIGTERM was sent'],
  [{ kind: 'stopping', cause: 'cancelled by ann', isStarted: false }, 'cancelled by ann; taking back its start'],
])('%j', (reason, text) => {
  expect(describeWaiting(reason)).toBe(text);
  for (const until of [{}, { until: 5 }]) expect(describeNext({ reason, since: 1, ...until })).toMatch(/^\S.*\S$/);
});

test('what follows names the limit where there is one', () => {
  expect(describeNext({ reason: { kind: 'running' }, since: 1, until: 2 })).toContain('SIGTERM');
  expect(describeNext({ reason: { kind: 'running' }, since: 1 })).not.toContain('SIGTERM');
});
