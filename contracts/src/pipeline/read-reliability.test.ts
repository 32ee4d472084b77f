import { expect, test } from 'vitest';
import { parsePipelineDefinition } from './parse-pipeline-definition.ts';

const TASK = { id: 'build', image: 'busybox' };
const PIPELINE = { id: 'simple', name: 'Simple', parallelism: 0, tasks: [TASK] };
const BARE_TASK = {
  id: 'build',
  description: '',
  image: 'busybox',
  dependsOn: {},
  variables: {},
  injectApiToken: false,
  alwaysPullNewestImage: false,
};

function faultsOf(pipeline: object, task: object = {}): readonly string[] {
  const { faults = [] } = parsePipelineDefinition({ ...PIPELINE, ...pipeline, tasks: [{ ...TASK, ...task }] });
  return faults.map(({ path, message }) => `${path}: ${message}`);
}

test('every field is read, of the pipeline and of a task', () => {
  const common = { timeout: 3600, start_timeout: 60, retries: 100, retry_on: ['infrastructure', 75, 'timeout', 'failure', 255] };
  const read = { timeout: 3600, startTimeout: 60, retries: 100, retryOn: ['infrastructure', 75, 'timeout', 'failure', 255] };
  const backoff = { initial: 0.5, maximum: 90, factor: 1.5 };
  const { definition } = parsePipelineDefinition({
    ...PIPELINE,
    ...common,
    retry_backoff: backoff,
    concurrency: 'cancel_oldest',
    tasks: [{ ...TASK, ...common, retry_backoff: backoff, always: true }],
  });
  expect(definition).toEqual({
    id: 'simple',
    name: 'Simple',
    description: '',
    parallelism: 0,
    ...read,
    retryBackoff: backoff,
    concurrency: 'cancelOldest',
    tasks: [{ ...BARE_TASK, ...read, retryBackoff: backoff, always: true }],
  });
});

test.each([
  ['absent', undefined],
  ['null', null],
])('%s leaves a field out of the definition', (_, unset) => {
  const common = { timeout: unset, start_timeout: unset, retries: unset, retry_on: unset, retry_backoff: unset };
  const { definition } = parsePipelineDefinition({
    ...PIPELINE,
    ...common,
    concurrency: unset,
    tasks: [{ ...TASK, ...common, retry_backoff: { initial: unset, maximum: unset, factor: unset }, always: unset }],
  });
  expect(Object.keys(definition ?? {}).toSorted()).toEqual(['description', 'id', 'name', 'parallelism', 'tasks']);
  expect(definition?.tasks[0]).toStrictEqual({ ...BARE_TASK, retryBackoff: {} });
});

test('a task that need not always run is one that says nothing of it', () => {
  const { definition } = parsePipelineDefinition({ ...PIPELINE, tasks: [{ ...TASK, always: false }] });
  expect(definition?.tasks[0]).toStrictEqual(BARE_TASK);
});

test.each([
  ['queue', 'queue'],
  ['cancel_oldest', 'cancelOldest'],
  ['cancel_newest', 'cancelNewest'],
])('concurrency takes %s', (written, read) => {
  expect(parsePipelineDefinition({ ...PIPELINE, concurrency: written }).definition?.concurrency).toBe(read);
});

test('every fault is named at once, each with its path', () => {
  const pipeline = {
    timeout: 0,
    start_timeout: '60',
    retries: -1,
    retry_on: 'failure',
    retry_backoff: 5,
    concurrency: 'cancelOldest',
  };
  const task = {
    timeout: 1.5,
    start_timeout: 31_536_001,
    retries: 101,
    retry_on: ['failure', 0, 'failures', 256, 7, 1.5, 7, null],
    retry_backoff: { initial: -1, maximum: [], factor: 0.5 },
    always: 'yes',
  };
  const cause = 'must be failure, infrastructure, timeout or an exit code from 1 to 255, is';
  const expected = [
    '$.timeout: must be a whole number of seconds from 1 to 31536000, is 0',
    "$.start_timeout: must be a whole number of seconds from 1 to 31536000, is '60'",
    '$.retries: must be a whole number of attempts from 0 to 100, is -1',
    '$.retry_on: must be an array of causes, is a string',
    '$.retry_backoff: must be an object with initial, maximum and factor, is a number',
    "$.concurrency: must be queue, cancel_oldest or cancel_newest, is 'cancelOldest'",
    '$.tasks[0].timeout: must be a whole number of seconds from 1 to 31536000, is 1.5',
    '$.tasks[0].start_timeout: must be a whole number of seconds from 1 to 31536000, is 31536001',
    '$.tasks[0].retries: must be a whole number of attempts from 0 to 100, is 101',
    `$.tasks[0].retry_on[1]: ${cause} 0`,
    `$.tasks[0].retry_on[2]: ${cause} 'failures'`,
    `$.tasks[0].retry_on[3]: ${cause} 256`,
    `$.tasks[0].retry_on[5]: ${cause} 1.5`,
    '$.tasks[0].retry_on[6]: is already named by $.tasks[0].retry_on[4]',
    `$.tasks[0].retry_on[7]: ${cause} null`,
    '$.tasks[0].retry_backoff.initial: must be a number of seconds from 0 to 31536000, is -1',
    '$.tasks[0].retry_backoff.maximum: must be a number of seconds from 0 to 31536000, is an array',
    '$.tasks[0].retry_backoff.factor: must be a number from 1 to 100, is 0.5',
    '$.tasks[0].always: must be true or false, is a string',
  ];
  expect(faultsOf(pipeline, task).toSorted()).toEqual(expected.toSorted());
});

test('what only the values together show is told too', () => {
  expect(faultsOf({ retry_on: [] })).toEqual(['$.retry_on: must name one cause or more; for no retries set retries to 0']);
  expect(faultsOf({}, { retry_backoff: { initial: 10, maximum: 9 } })).toEqual([
    '$.tasks[0].retry_backoff.maximum: must not be below initial, which is 10; is 9',
  ]);
  expect(faultsOf({}, { retry_backoff: { initial: 10, maximum: 10 } })).toEqual([]);
});
