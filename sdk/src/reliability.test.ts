import { describe, expect, it } from 'vitest';
import { type Duration, newPipeline, newTask, type Pipeline, PipelineError, type Task } from './index.ts';

const step = (): Task => newTask('a', 'busybox:latest');
const pipeline = (): Pipeline => newPipeline('abc', 'x').tasks(step());
/** As a program in JavaScript passes it, which no types hold. */
const untyped = (value: unknown): never => value as never;

describe('what is printed of time limits, retries and concurrency', () => {
  it('is what is set, in seconds', () => {
    const task = step()
      .timeout('10m')
      .startTimeout(30)
      .retries(3, { on: ['infrastructure', 75], backoff: { initial: '500ms', maximum: '1m30s', factor: 3 } })
      .always();
    expect(task.toJSON()).toMatchObject({
      timeout: 600,
      start_timeout: 30,
      retries: 3,
      retry_on: ['infrastructure', 75],
      retry_backoff: { initial: 0.5, maximum: 90, factor: 3 },
      always: true,
    });
    expect(pipeline().concurrency('cancelOldest').timeout('2h').startTimeout('1h30m').retries(1).toJSON()).toMatchObject({
      concurrency: 'cancel_oldest',
      timeout: 7200,
      start_timeout: 5400,
      retries: 1,
    });
    expect(pipeline().concurrency('queue').toJSON().concurrency).toBe('queue');
    expect(pipeline().concurrency('cancelNewest').toJSON().concurrency).toBe('cancel_newest');
  });

  it('is nothing where nothing is set', () => {
    const json = pipeline().toJSON();
    expect(Object.keys(json).toSorted()).toEqual(['description', 'id', 'name', 'parallelism', 'tasks']);
    expect(Object.keys(json.tasks[0] ?? {})).toHaveLength(10);
    expect(step().always(false).toJSON()).not.toHaveProperty('always');
    expect(step().always().always(false).toJSON()).not.toHaveProperty('always');
    const { retries, retry_on, retry_backoff } = step().retries(0).toJSON();
    expect([retries, retry_on, retry_backoff]).toEqual([0, undefined, undefined]);
  });

  it('is what the last call says', () => {
    const task = step()
      .timeout(1)
      .timeout(2)
      .retries(3, { on: ['timeout'], backoff: { initial: 1 } })
      .retries(2);
    expect(task.toJSON()).toMatchObject({ timeout: 2, retries: 2 });
    expect(task.toJSON()).not.toHaveProperty('retry_on');
    expect(task.toJSON()).not.toHaveProperty('retry_backoff');
  });

  it.each<[Duration, number]>([
    [1, 1],
    ['1s', 1],
    ['90s', 90],
    ['10m', 600],
    ['1h30m', 5400],
    ['1h1m1s', 3661],
    ['1m0s', 60],
    ['2000ms', 2],
    ['8760h', 31_536_000],
    [untyped('1h1m1s1000ms'), 3662],
  ])('a timeout of %s is %i seconds', (duration, seconds) => {
    expect(step().timeout(duration).toJSON().timeout).toBe(seconds);
  });
});

describe('mistakes', () => {
  const retry = (options: unknown) => (): unknown => step().retries(1, untyped(options));
  it.each<readonly [string, () => unknown]>([
    ['the timeout of task "a" must be whole seconds, 1 or more, not 0', () => step().timeout(0)],
    ['the timeout of task "a" must be whole seconds, 1 or more, not "1500ms"', () => step().timeout('1500ms')],
    ['the start timeout of task "a" must be a number of seconds or a duration', () => step().startTimeout(-1)],
    ['the timeout of pipeline "abc" must be at most 365 days ("8760h"), not "8761h"', () => pipeline().timeout('8761h')],
    ['the start timeout of pipeline "abc" must be a number of seconds', () => pipeline().startTimeout(Number.NaN)],
    ['must be a number of seconds or a duration', () => step().timeout(untyped(''))],
    ['must be a number of seconds or a duration', () => step().timeout(untyped('5m1h'))],
    ['must be a number of seconds or a duration', () => step().timeout(untyped('60'))],
    ['must be a number of seconds or a duration', () => step().timeout('1.5h')],
    ['must be a number of seconds or a duration', () => step().timeout(untyped(null))],
    ['the retries of task "a" must be a whole number from 0 to 100, not 101', () => step().retries(101)],
    ['the retries of pipeline "abc" must be a whole number from 0 to 100, not 1.5', () => pipeline().retries(1.5)],
    ['must be a list of one cause or more', retry({ on: [] })],
    ['must be a list of one cause or more', retry({ on: 'failure' })],
    ['the retries of task "a" cannot be on 256', retry({ on: [256] })],
    ['the retries of task "a" cannot be on 0', retry({ on: [0] })],
    ['the retries of task "a" cannot be on "oom"', retry({ on: ['oom'] })],
    ['the retries of task "a" name "timeout" twice', retry({ on: ['timeout', 1, 'timeout'] })],
    ['the maximum backoff of task "a" is below the initial one: 9 seconds, 10 seconds', retry({ backoff: { initial: 10, maximum: 9 } })],
    ['the initial backoff of task "a" must be a number of seconds', retry({ backoff: { initial: -1 } })],
    ['the backoff factor of task "a" must be a number from 1 to 100, not 0.5', retry({ backoff: { factor: 0.5 } })],
    ['the always of task "a" must be true or false, not "yes"', () => step().always(untyped('yes'))],
    ['concurrency must be "queue", "cancelOldest" or "cancelNewest", not "toString"', () => pipeline().concurrency(untyped('toString'))],
  ])('%s', (message, make) => {
    expect(make).toThrow(PipelineError);
    expect(make).toThrow(message);
  });

  it('in the text of a duration, a cause or a word are already errors of the compiler', () => {
    const refused = [
      // @ts-expect-error a duration has a unit
      () => step().timeout('10'),
      // @ts-expect-error there is no such unit
      () => step().timeout('1d'),
      // @ts-expect-error the largest unit comes first
      () => step().startTimeout('30s1h'),
      // @ts-expect-error there is no such cause
      () => step().retries(1, { on: ['lost'] }),
      // @ts-expect-error nor such a concurrency
      () => pipeline().concurrency('cancel_oldest'),
    ];
    for (const make of refused) expect(make).toThrow(PipelineError);
  });
});
