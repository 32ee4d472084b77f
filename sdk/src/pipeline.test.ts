import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { globalSecret, newPipeline, newTask, PipelineError, pipelineObject, pipelineSecret, runObject, type Task } from './index.ts';

/** JSON as the wire has it. */
const onTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const step = (id: string): Task => newTask(id, 'busybox:latest');

describe('what is printed', () => {
  it('is the documented simple pipeline', () => {
    const pipeline = newPipeline('simple', 'Simple Pipeline')
      .description('This pipeline shows off a very simple Gofer pipeline.')
      .tasks(
        newTask('simple_task', 'ubuntu:latest')
          .description('This task simply prints our hello-world message and exits!')
          .command('echo', 'Hello from Gofer!')
          .variable('test', 'sample'),
      );
    expect(onTheWire(pipeline)).toEqual({
      id: 'simple',
      name: 'Simple Pipeline',
      description: 'This pipeline shows off a very simple Gofer pipeline.',
      parallelism: 0,
      tasks: [
        {
          id: 'simple_task',
          description: 'This task simply prints our hello-world message and exits!',
          image: 'ubuntu:latest',
          registry_auth: null,
          depends_on: {},
          variables: { test: 'sample' },
          entrypoint: null,
          command: ['echo', 'Hello from Gofer!'],
          inject_api_token: false,
          always_pull_newest_image: false,
        },
      ],
    });
  });

  it('has everything that a task can be given', () => {
    const task = newTask('deploy', 'registry.example/deploy:1')
      .entrypoint('/bin/sh', '-e')
      .script('\n  echo one\n  echo two\n', { shell: 'sh' })
      .variables({ A: '1', B: pipelineSecret('key_one') })
      .dependsOnOne('build', 'success')
      .dependsOn({ lint: 'any', test: 'failure' })
      .registryAuth('user', globalSecret('registry-password'))
      .injectApiToken(true)
      .alwaysPullNewestImage(true);
    expect(onTheWire(task)).toEqual({
      id: 'deploy',
      description: null,
      image: 'registry.example/deploy:1',
      registry_auth: { user: 'user', pass: 'global_secret{{registry-password}}' },
      depends_on: { build: 'Success', lint: 'Any', test: 'Failure' },
      variables: { A: '1', B: 'pipeline_secret{{key_one}}' },
      entrypoint: ['/bin/sh', '-e'],
      command: ['sh', '-c', 'echo one\n  echo two'],
      inject_api_token: true,
      always_pull_newest_image: true,
    });
    expect(step('a').script(' true ').toJSON().command).toEqual(['bash', '-c', 'true']);
  });

  it('goes to standard output as one line, whole however long', async () => {
    const program = `
      import { newPipeline, newTask } from ${JSON.stringify(fileURLToPath(new URL('index.ts', import.meta.url)))};
      const tasks = Array.from({ length: 5000 }, (_, index) => newTask(\`task-\${index}\`, 'busybox').variable('TEXT', 'x'.repeat(200)));
      newPipeline('large', 'Large').parallelism(2).tasks(...tasks).finish();
    `;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { maxBuffer: 2 ** 26 });
    expect(stderr).toBe('');
    expect(stdout.indexOf('\n')).toBe(stdout.length - 1);
    expect(JSON.parse(stdout)).toMatchObject({ id: 'large', parallelism: 2, tasks: { length: 5000 } });
  });

  it('keeps ids and variables that are special in JavaScript', () => {
    const pipeline = newPipeline('odd', 'Odd').tasks(
      step('__proto__').variable('__proto__', 'x'),
      step('child').dependsOnOne('__proto__', 'any'),
    );
    expect(JSON.stringify(pipeline)).toContain('"variables":{"__proto__":"x"}');
    expect(JSON.stringify(pipeline)).toContain('"depends_on":{"__proto__":"Any"}');
  });
});

describe('references', () => {
  it('are what the server looks up', () => {
    expect([pipelineSecret('k'), globalSecret('k'), pipelineObject('a/b.c'), runObject('ä')]).toEqual([
      'pipeline_secret{{k}}',
      'global_secret{{k}}',
      'pipeline_object{{a/b.c}}',
      'run_object{{ä}}',
    ]);
  });

  it.each([
    () => pipelineSecret('a b'),
    () => globalSecret(''),
    () => pipelineObject('a}}b'),
    () => runObject(' a'),
    () => runObject('x'.repeat(1025)),
  ])('that cannot be looked up are refused: %s', (make) => {
    expect(make).toThrow(PipelineError);
  });
});

describe('mistakes', () => {
  it.each<readonly [string, () => unknown]>([
    ['"ab" is not a pipeline id', () => newPipeline('ab', 'x')],
    ['is not a pipeline id', () => newPipeline('x'.repeat(33), 'x')],
    ['the name of pipeline "abc" is empty', () => newPipeline('abc', ' ')],
    ['parallelism must be a whole number, 0 or more, not -1', () => newPipeline('abc', 'x').parallelism(-1)],
    ['is not a task id', () => step('ä')],
    ['is not a task id', () => step('x'.repeat(64))],
    ['the image of task "a" must be an image reference', () => newTask('a', 'two words')],
    ['the command of task "a" has no words', () => step('a').command()],
    ['the script of task "a" is empty', () => step('a').script(' \n')],
    ['the variable of task "a" "A=B" is not a name', () => step('a').variable('A=B', 'x')],
    ['task "a" depends on itself', () => step('a').dependsOnOne('a', 'any')],
    ['"has space" is not a task id', () => step('a').dependsOnOne('has space', 'any')],
    ['there are two tasks with the id "a"', () => newPipeline('abc', 'x').tasks(step('a'), step('a'))],
    ['pipeline "abc" has no tasks', () => newPipeline('abc', 'x').toJSON()],
    [
      'task "a" depends on "b", which is not a task of this pipeline',
      () => newPipeline('abc', 'x').tasks(step('a').dependsOnOne('b', 'any')).toJSON(),
    ],
  ])('%s', (message, make) => {
    expect(make).toThrow(PipelineError);
    expect(make).toThrow(message);
  });

  it('made in JavaScript are told as well, without showing a value', () => {
    const values: Readonly<Record<string, string>> = JSON.parse('{"SECRET":31337}');
    expect(() => step('a').variables(values)).toThrow('the variable of task "a" "SECRET" must be a string, not number');
    const parents: Readonly<Record<string, 'any'>> = JSON.parse('{"b":"sucess"}');
    expect(() => step('a').dependsOn(parents)).toThrow('task "a" waits for "b" to end as "sucess"; use "any", "success" or "failure"');
    const list: Task = JSON.parse('[]');
    expect(() => newPipeline('abc', 'x').tasks(list)).toThrow('a list is spread');
  });

  it('are told together where only the whole shows them', () => {
    const pipeline = newPipeline('abc', 'x').tasks(
      step('a').dependsOn({ c: 'any', missing: 'success' }),
      step('b').dependsOnOne('a', 'any'),
      step('c').dependsOnOne('b', 'any'),
    );
    expect(() => pipeline.validate()).toThrow(
      expect.objectContaining({
        faults: [
          'task "a" depends on "missing", which is not a task of this pipeline',
          'the tasks wait for each other in a circle: a → b → c → a',
        ],
      }),
    );
  });

  it('in the text of an id or a status are already errors of the compiler', () => {
    const refused = [
      // @ts-expect-error a pipeline id has no underscore
      () => newPipeline('my_pipeline', 'x'),
      // @ts-expect-error a task id has no space
      () => newTask('my task', 'busybox'),
      // @ts-expect-error a task cannot wait for itself
      () => newTask('a', 'busybox').dependsOnOne('a', 'any'),
      // @ts-expect-error nor among others
      () => newTask('a', 'busybox').dependsOn({ b: 'any', a: 'any' }),
      // @ts-expect-error there is no such status
      () => newTask('a', 'busybox').dependsOnOne('b', 'succeeded'),
    ];
    for (const make of refused) expect(make).toThrow(PipelineError);
    // What is put together at run time is accepted.
    const index = 1;
    expect(newTask(`task-${index}`, 'busybox').dependsOnOne(`task-${index + 1}`, 'any').parents).toEqual(['task-2']);
    const parts = [newTask('one', 'busybox'), newTask('two', 'busybox')];
    const join = newTask('join', 'busybox').dependsOn(Object.fromEntries(parts.map(({ id }) => [id, 'success'])));
    expect(join.parents).toEqual(['one', 'two']);
  });
});

function cycleNamedBy(validate: () => unknown): readonly string[] {
  try {
    validate();
  } catch (error) {
    if (error instanceof PipelineError) return error.message.split(': ')[1]?.split(' → ') ?? [];
    throw error;
  }
  throw new Error('the cycle was not found');
}

describe('graphs', () => {
  const edges = fc.array(fc.tuple(fc.nat({ max: 11 }), fc.nat({ max: 11 })), { maxLength: 30 });
  const build = (
    pairs: readonly (readonly [number, number])[],
    isAllowed: (child: number, parent: number) => boolean,
  ): ReturnType<typeof newPipeline> => {
    const tasks = Array.from({ length: 12 }, (_, index) => step(`t${index}`));
    for (const [child, parent] of pairs) if (isAllowed(child, parent)) tasks[child]?.dependsOnOne(`t${parent}`, 'any');
    return newPipeline('graph', 'Graph').tasks(...tasks);
  };

  it('without a cycle are all accepted', () => {
    fc.assert(
      fc.property(edges, (pairs) => {
        expect(build(pairs, (child, parent) => parent < child).toJSON().tasks).toHaveLength(12);
      }),
    );
  });

  it('with a cycle are refused, and the cycle that is named is one', () => {
    fc.assert(
      fc.property(edges, fc.integer({ min: 2, max: 6 }), (pairs, length) => {
        const ring = Array.from({ length }, (_, index) => [index, (index + 1) % length] as const);
        const pipeline = build([...pairs, ...ring], (child, parent) => child !== parent);
        const named = cycleNamedBy(() => pipeline.validate());
        expect(named[0]).toBe(named.at(-1));
        const waits = new Set([...pairs, ...ring].map(([child, parent]) => `t${parent}-t${child}`));
        for (const [index, id] of named.slice(1).entries()) expect(waits).toContain(`${named[index]}-${id}`);
      }),
    );
  });

  it('may be deep', () => {
    const tasks = Array.from({ length: 20_000 }, (_, index) =>
      index === 0 ? step('t0') : step(`t${index}`).dependsOnOne(`t${index - 1}`, 'success'),
    );
    expect(
      newPipeline('deep', 'Deep')
        .tasks(...tasks.toReversed())
        .validate()
        .toJSON().tasks,
    ).toHaveLength(20_000);
  });
});
