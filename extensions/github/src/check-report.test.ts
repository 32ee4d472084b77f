import type { RunState } from '@gofer/sdk/extension';
import { describe, expect, test } from 'vitest';
import { checkName, detailsUrl, endedCheck, externalId, startedCheck } from './check-report.ts';
import type { OpenCheck } from './open-check.ts';

const CHECK: OpenCheck = {
  namespaceId: 'default',
  pipelineId: 'simple',
  subscriptionId: 'run_tests',
  runId: 12,
  repository: 'Org/Repo',
  headSha: 'ec26c3e57ca3a959ca5aad62de7213c562f8c821',
  opened: Date.UTC(2026, 0, 2),
};
const RUN: RunState = { runId: 12, state: 'complete', status: 'failed', started: 1_000, ended: 62_000, reason: 'The task "test" failed.' };

describe('a check', () => {
  test('has a name that is the same for every commit', () => {
    expect(checkName(CHECK)).toBe('gofer/simple/run_tests');
    expect(checkName({ ...CHECK, namespaceId: 'devops', runId: 13 })).toBe('gofer/devops/simple/run_tests');
    expect(externalId(CHECK)).toBe('default/simple/run_tests/12');
  });

  test('leads to where the operator says', () => {
    expect(detailsUrl('https://gofer.example.com/{namespace}/{pipeline}?run={run}&x={other}', CHECK)).toBe(
      'https://gofer.example.com/default/simple?run=12&x={other}',
    );
  });

  test('is in progress', () => {
    expect(startedCheck(CHECK)).toMatchObject({ status: 'in_progress', started_at: '2026-01-02T00:00:00.000Z' });
  });

  test.each([
    ['failed', 'failure', 'Run 12 has failed'],
    ['successful', 'success', 'Run 12 has succeeded'],
    ['cancelled', 'cancelled', 'Run 12 was cancelled'],
    ['unknown', 'neutral', 'Run 12 has ended, and nobody knows how'],
  ] as const)('of a run that is %s is concluded with %s', (status, conclusion, title) => {
    expect(endedCheck(CHECK, { ...RUN, status }, 0)).toEqual({
      status: 'completed',
      conclusion,
      completed_at: '1970-01-01T00:01:02.000Z',
      output: {
        title,
        summary: expect.stringMatching(/`default\/simple`, run 12 .*It lasted 61 seconds\.\n\nReason: The task "test" failed\.$/),
      },
    });
  });

  test('of a run that was deleted is neutral', () => {
    expect(endedCheck(CHECK, undefined, 5_000)).toMatchObject({ conclusion: 'neutral', completed_at: '1970-01-01T00:00:05.000Z' });
  });

  test('says nothing of what is not known', () => {
    const { summary } = endedCheck(CHECK, { runId: 12, state: 'complete', status: 'cancelled', started: 0, ended: 5 }, 0).output;
    expect(summary).toBe('`default/simple`, run 12 was cancelled.');
  });
});
