import type { PipelineConfig } from '@gofer/contracts/api';
import { expect, it } from 'vitest';
import { renderConfig } from './config-views.ts';
import { describePipelineReliability, describeTaskReliability } from './describe-reliability.ts';
import { renderGraph } from './graph-view.ts';
import { createColours } from './presentation.ts';

const colours = createColours({ flag: false, environment: {}, isTerminal: false });
const BACKOFF = { initial: 0.5, maximum: 90, factor: 3 };

it('says what is set of a task, and nothing of what is not', () => {
  expect(describeTaskReliability({})).toEqual([]);
  expect(
    describeTaskReliability({
      timeout: 5_430,
      start_timeout: 30,
      retries: 3,
      retry_on: ['infrastructure', 75],
      retry_backoff: BACKOFF,
      always: true,
    }),
  ).toEqual(['timeout 1h30m30s', 'starts within 30s', '3 retries on infrastructure, 75', 'pauses from 0.5s up to 1m30s ×3', 'always runs']);
  expect(describeTaskReliability({ retries: 1 })).toEqual(['1 retry']);
  expect(describeTaskReliability({ retries: 0 })).toEqual(['0 retries']);
  expect(describeTaskReliability({ retry_on: ['timeout'] })).toEqual(['retries on timeout']);
  expect(describeTaskReliability({ retry_backoff: {} })).toEqual([]);
  expect(describeTaskReliability({ retry_backoff: { initial: 0 } })).toEqual(['pauses from 0s']);
});

it.each([
  ['queue', 'further runs wait'],
  ['cancel_oldest', 'the oldest is cancelled'],
  ['cancel_newest', 'the newest is cancelled'],
] as const)('says what concurrency %s does', (concurrency, words) => {
  expect(describePipelineReliability({ concurrency })).toEqual([`When that many run: ${words}`]);
});

it('is a part of a task’s line in the graph', () => {
  const tasks = [
    { id: 'build', image: 'busybox', depends_on: {}, timeout: 600, retries: 2 },
    { id: 'tidy', image: 'busybox', depends_on: { build: 'any' }, always: true } as const,
    { id: 'bare', image: 'busybox', depends_on: {} },
  ];
  expect(renderGraph(tasks, colours)).toBe(
    '  • build  busybox  timeout 10m, 2 retries\n  • bare   busybox\n  • tidy   busybox  after build ended  always runs\n',
  );
});

it('is a part of a version', () => {
  const config: PipelineConfig = {
    namespace_id: 'default',
    pipeline_id: 'simple',
    version: 1,
    parallelism: 1,
    name: 'Simple',
    description: '',
    tasks: {},
    state: 'live',
    registered: 1_000,
    deprecated: 0,
  };
  const presentation = { colours, detail: true, now: 5_000 };
  expect(renderConfig(config, presentation)).toContain('\nRuns at once: 1\n\nTasks\n');
  const limited: PipelineConfig = { ...config, concurrency: 'cancel_oldest', timeout: 7_200, start_timeout: 60, retries: 1 };
  expect(renderConfig(limited, presentation)).toContain(
    '\nRuns at once: 1\nWhen that many run: the oldest is cancelled\nTimeout of a run: 2h\nA run begins within: 1m\n' +
      'Each task, unless it says its own: 1 retry\n\nTasks\n',
  );
});
