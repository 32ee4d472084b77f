import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePipelineDefinition } from './parse-pipeline-definition.ts';
import type { PipelineDefinition } from './pipeline-definition.ts';
import { toPipelineJson } from './pipeline-json.ts';
import { PIPELINE_LIMITS } from './pipeline-limits.ts';

const TASK = { id: 'build', image: 'busybox', depends_on: {}, variables: {}, inject_api_token: false, always_pull_newest_image: false };
const PIPELINE = { id: 'simple', name: 'Simple', parallelism: 0, tasks: [TASK] };

function faultsOf(input: unknown): readonly string[] {
  return (parsePipelineDefinition(input).faults ?? []).map(({ path, message }) => `${path}: ${message}`);
}

/** Tasks that wait for each other as the map says. */
function withDependencies(dependencies: Record<string, readonly string[]>): unknown {
  return { ...PIPELINE, tasks: Object.entries(dependencies).map(([id, parents]) => waitingTask(id, parents)) };
}

function waitingTask(id: string, parents: readonly string[]): unknown {
  return { ...TASK, id, depends_on: Object.fromEntries(parents.map((parent) => [parent, 'Success'])) };
}

test('a whole pipeline, as SDKs print it', () => {
  const { definition } = parsePipelineDefinition({
    ...PIPELINE,
    description: null,
    parallelism: 3,
    tasks: [
      { ...TASK, description: null, registry_auth: null, entrypoint: null, command: null },
      {
        id: 'test_it',
        description: 'tests',
        image: 'host:5000/a/b:1',
        registry_auth: { user: 'u', pass: 'p' },
        depends_on: { build: 'Success' },
        variables: { KEY: 'value', '': 'dropped later' },
        entrypoint: ['sh'],
        command: ['-c', 'true'],
        inject_api_token: true,
        always_pull_newest_image: true,
      },
    ],
  });
  expect(definition).toEqual({
    id: 'simple',
    name: 'Simple',
    description: '',
    parallelism: 3,
    tasks: [
      { id: 'build', description: '', image: 'busybox', dependsOn: {}, variables: {}, injectApiToken: false, alwaysPullNewestImage: false },
      {
        id: 'test_it',
        description: 'tests',
        image: 'host:5000/a/b:1',
        registryAuth: { user: 'u', pass: 'p' },
        dependsOn: { build: 'success' },
        variables: { KEY: 'value', '': 'dropped later' },
        entrypoint: ['sh'],
        command: ['-c', 'true'],
        injectApiToken: true,
        alwaysPullNewestImage: true,
      },
    ],
  });
});

test('absent optional fields have defaults, and unknown fields are ignored', () => {
  const { definition } = parsePipelineDefinition({
    ...PIPELINE,
    tasks: [{ id: 'a', image: 'busybox', depends_on: null, extra: 1 }],
    extra: {},
  });
  expect(definition?.tasks[0]).toMatchObject({ dependsOn: {}, variables: {}, injectApiToken: false, alwaysPullNewestImage: false });
});

test.each([
  ['Any', 'any'],
  ['any', 'any'],
  ['Success', 'success'],
  ['success', 'success'],
  ['Failure', 'failure'],
  ['failure', 'failure'],
])('depends_on takes %s', (written, required) => {
  const { definition } = parsePipelineDefinition({ ...PIPELINE, tasks: [TASK, { ...TASK, id: 'test', depends_on: { build: written } }] });
  expect(definition?.tasks[1]?.dependsOn).toEqual({ build: required });
});

test('every fault is named at once, each with its path', () => {
  const faults = faultsOf({
    id: 'a_b',
    name: 7,
    description: [],
    parallelism: -1,
    tasks: [
      { ...TASK, image: 'Busybox', depends_on: { missing: 'Any', build: 'Any', 'not an id': 'Unknown' } },
      { ...TASK, registry_auth: { user: 'u' }, entrypoint: 'sh', command: ['sh', 1] },
      'no task',
      { ...TASK, id: 'a b', variables: { 'A=B': 'x', OK: 1 }, inject_api_token: 'yes' },
      { image: '' },
    ],
  });
  const expected = [
    "$.id: 'a_b' is not a pipeline id; use 3 to 32 characters",
    '$.name: must be a string, is a number',
    '$.description: must be a string, is an array',
    "$.parallelism: must be a whole number of runs, 0 for the server's limit; is -1",
    "$.tasks[0].image: image 'Busybox' has a malformed path component",
    '$.tasks[0].depends_on["not an id"]: must be Any, Success or Failure, is \'Unknown\'',
    '$.tasks[1].registry_auth.pass: must be a string, is missing',
    '$.tasks[1].entrypoint: must be an array of strings, is a string',
    '$.tasks[1].command[1]: must be a string, is a number',
    '$.tasks[2]: a task must be an object, is a string',
    "$.tasks[3].id: 'a b' is not a task id",
    '$.tasks[3].variables["A=B"]: a variable\'s name must not contain =',
    '$.tasks[3].variables.OK: must be a string, is a number',
    '$.tasks[3].inject_api_token: must be true or false, is a string',
    '$.tasks[4].id: must be a string, is missing',
    "$.tasks[4].image: image '' is empty",
    "$.tasks[1].id: task id 'build' is already that of $.tasks[0]",
    "$.tasks[0].depends_on.missing: there is no task 'missing'",
    "$.tasks[0].depends_on.build: task 'build' depends on itself",
    '$.tasks[0].depends_on["not an id"]: there is no task \'not an id\'',
  ];
  expect(expected.filter((beginning) => faults.filter((fault) => fault.startsWith(beginning)).length !== 1)).toEqual([]);
  expect(faults).toHaveLength(expected.length);
});

test.each([
  [null],
  [undefined],
  [[]],
  ['x'],
  [1],
  [{}],
  [{ ...PIPELINE, tasks: [] }],
  [{ ...PIPELINE, tasks: {} }],
  [{ ...PIPELINE, parallelism: 1.5 }],
])('%j is refused', (input) => {
  expect(faultsOf(input).length).toBeGreaterThan(0);
});

test('a cycle is named as a path, and so is each that shares no task with it', () => {
  const faults = faultsOf(withDependencies({ build: ['test'], test: ['build'], a: ['b', 'build'], b: ['c'], c: ['a'], free: ['a'] }));
  expect(faults).toEqual([
    '$.tasks[0].depends_on.test: these tasks wait for each other: build → test → build',
    '$.tasks[2].depends_on.b: these tasks wait for each other: a → b → c → a',
  ]);
});

test('cycles are found if and only if there are any, and the named path is one', () => {
  const graph = fc.array(fc.uniqueArray(fc.nat(9), { maxLength: 3 }), { minLength: 10, maxLength: 10 });
  fc.assert(
    fc.property(graph, (parents) => {
      const dependencies = Object.fromEntries(
        parents.map((list, task) => [`t${task}`, list.filter((one) => one !== task).map((one) => `t${one}`)]),
      );
      const faults = faultsOf(withDependencies(dependencies));
      expect(faults.length > 0).toBe(hasCycle(dependencies));
      for (const fault of faults) {
        const path = fault.slice(fault.indexOf('other: ') + 7).split(' → ');
        expect(path.length).toBeGreaterThan(2);
        expect(path.at(0)).toBe(path.at(-1));
        for (const [index, task] of path.slice(0, -1).entries()) expect(dependencies[task]).toContain(path[index + 1]);
      }
    }),
    { numRuns: 300 },
  );
});

/** By taking away what waits for nothing, until nothing is left or nothing can be taken. */
function hasCycle(dependencies: Record<string, readonly string[]>): boolean {
  const left = new Set(Object.keys(dependencies));
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const task of left) if (!dependencies[task]?.some((parent) => left.has(parent))) left.delete(task);
  }
  return left.size > 0;
}

test('limits: tasks, variables, arguments, text', () => {
  const many = Array.from({ length: PIPELINE_LIMITS.tasks + 1 }, () => TASK);
  expect(faultsOf({ ...PIPELINE, tasks: many })).toEqual([expect.stringContaining('at most 100000 tasks')]);
  const variables = Object.fromEntries(Array.from({ length: PIPELINE_LIMITS.variables + 1 }, (_, index) => [`V${index}`, '']));
  expect(faultsOf({ ...PIPELINE, tasks: [{ ...TASK, variables }] })).toEqual([expect.stringContaining('at most 1000 variables')]);
  expect(faultsOf({ ...PIPELINE, tasks: [{ ...TASK, variables: { BIG: 'x'.repeat(200_000) } }] })).toHaveLength(1);
  expect(faultsOf({ ...PIPELINE, tasks: [{ ...TASK, command: ['x'.repeat(200_000)] }] })).toHaveLength(1);
  expect(faultsOf({ ...PIPELINE, tasks: [{ ...TASK, command: ['a\0b'] }] })).toHaveLength(1);
  expect(faultsOf({ ...PIPELINE, name: 'x'.repeat(1_000) })).toHaveLength(1);
});

test('the list of faults is bounded and says how many are left out', () => {
  const faults = faultsOf({ ...PIPELINE, tasks: Array.from({ length: 3_000 }, (_, index) => ({ ...TASK, id: `t${index}`, image: '' })) });
  expect(faults).toHaveLength(PIPELINE_LIMITS.faults + 1);
  expect(faults.at(-1)).toBe('$: 2000 more faults are not listed');
});

test('no input makes it throw', () => {
  const field = fc.constantFrom(
    'id',
    'name',
    'tasks',
    'image',
    'depends_on',
    'variables',
    'command',
    'parallelism',
    'registry_auth',
    '__proto__',
  );
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(field, tie('value'), { maxKeys: 6 }),
    ),
  })).value;
  fc.assert(
    fc.property(json, (input) => {
      const { definition, faults } = parsePipelineDefinition(input);
      expect(definition === undefined).toBe((faults?.length ?? 0) > 0);
    }),
    { numRuns: 500 },
  );
});

const timeLimit = fc.integer({ min: 1, max: PIPELINE_LIMITS.durationSeconds });
const pause = fc.double({ min: 0, max: PIPELINE_LIMITS.durationSeconds, noNaN: true }).map((seconds) => seconds + 0);
/** What pipelines and tasks have in common. */
const reliability = {
  timeout: timeLimit,
  startTimeout: timeLimit,
  retries: fc.integer({ min: 0, max: PIPELINE_LIMITS.retries }),
  retryOn: fc.uniqueArray(
    fc.oneof(fc.constantFrom('failure' as const, 'infrastructure' as const, 'timeout' as const), fc.integer({ min: 1, max: 255 })),
    { minLength: 1, maxLength: 5 },
  ),
  retryBackoff: fc
    .record(
      { initial: pause, maximum: pause, factor: fc.double({ min: 1, max: 100, noNaN: true }) },
      { requiredKeys: [], noNullPrototype: true },
    )
    .filter(({ initial = 0, maximum = initial }) => initial <= maximum),
};

test('a definition, written as JSON and parsed again, is the same', () => {
  const text = fc.string({ maxLength: 20 }).filter((value) => !value.includes('\0'));
  const id = fc.oneof(fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/), fc.constantFrom('__proto__', 'constructor', 'toString'));
  const pipelineReliability = fc.record(
    { ...reliability, concurrency: fc.constantFrom('queue' as const, 'cancelOldest' as const, 'cancelNewest' as const) },
    { requiredKeys: [], noNullPrototype: true },
  );
  const task = fc.record(
    {
      description: text,
      registryAuth: fc.record({ user: text, pass: text }),
      variables: fc.dictionary(
        text.filter((key) => !key.includes('=')),
        text,
      ),
      entrypoint: fc.array(text),
      command: fc.array(text),
      injectApiToken: fc.boolean(),
      alwaysPullNewestImage: fc.boolean(),
      ...reliability,
      always: fc.constant(true),
    },
    { requiredKeys: ['description', 'variables', 'injectApiToken', 'alwaysPullNewestImage'], noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.uniqueArray(id, { minLength: 1, maxLength: 6 }), pipelineReliability, fc.infiniteStream(task), (ids, common, tasks) => {
      const definition: PipelineDefinition = {
        id: 'simple',
        name: 'Simple',
        description: '',
        parallelism: 2,
        ...common,
        tasks: ids.map((taskId, index) => ({
          id: taskId,
          image: 'busybox',
          dependsOn: Object.fromEntries(ids.slice(0, index).map((parent) => [parent, 'failure' as const])),
          ...tasks.next().value,
        })),
      };
      const wire: unknown = JSON.parse(JSON.stringify(toPipelineJson(definition)));
      const parsed = parsePipelineDefinition(wire);
      expect(parsed.faults).toBeUndefined();
      expect(JSON.stringify(parsed.definition?.tasks.map(sorted))).toEqual(JSON.stringify(definition.tasks.map(sorted)));
      expect({ ...parsed.definition, tasks: [] }).toStrictEqual({ ...definition, tasks: [] });
    }),
    { numRuns: 100 },
  );
});

function sorted(value: object): unknown {
  return Object.entries(value)
    .map(([key, inner]): [string, unknown] => [
      key,
      typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? sorted(inner) : inner,
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
