/** What the SDK prints is what the server reads, in whole: parsed and written again it is the same JSON. */
import { parsePipelineDefinition, toPipelineJson } from '@gofer/contracts/pipeline';
import { newPipeline, newTask } from '@gofer/sdk';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';

const seconds = fc.integer({ min: 1, max: 31_536_000 });
const pause = fc.double({ min: 0, max: 31_536_000, noNaN: true }).filter((value) => !Object.is(value, -0));
const backoff = fc
  .record(
    { initial: pause, maximum: pause, factor: fc.double({ min: 1, max: 100, noNaN: true }) },
    { requiredKeys: [], noNullPrototype: true },
  )
  .filter(({ initial = 0, maximum = initial }) => initial <= maximum);
const cause = fc.oneof(
  fc.constantFrom('failure' as const, 'infrastructure' as const, 'timeout' as const),
  fc.integer({ min: 1, max: 255 }),
);
const options = fc.record(
  { on: fc.uniqueArray(cause, { minLength: 1, maxLength: 5 }), backoff },
  { requiredKeys: [], noNullPrototype: true },
);
const common = { timeout: seconds, startTimeout: seconds, retries: fc.tuple(fc.integer({ min: 0, max: 100 }), options) };
const ofTask = fc.record({ ...common, always: fc.boolean() }, { requiredKeys: [], noNullPrototype: true });
const ofPipeline = fc.record(
  { ...common, concurrency: fc.constantFrom('queue' as const, 'cancelOldest' as const, 'cancelNewest' as const) },
  { requiredKeys: [], noNullPrototype: true },
);

it('for subscriptions', () => {
  const pipeline = newPipeline('whole', 'Whole')
    .description('A pipeline.')
    .subscribe('cron', 'nightly', { expression: '0 3 * * * *' })
    .subscribe('webhook', 'any')
    .tasks(newTask('one', 'busybox:latest').description('A task.'));
  const printed: unknown = JSON.parse(JSON.stringify(pipeline));
  const { definition } = parsePipelineDefinition(printed);
  expect(definition && toPipelineJson(definition)).toStrictEqual(printed);
});

it('for every time limit, retry and concurrency', () => {
  fc.assert(
    fc.property(ofPipeline, ofTask, (whole, part) => {
      const task = newTask('one', 'busybox:latest').description('A task.');
      if (part.always !== undefined) task.always(part.always);
      const pipeline = newPipeline('whole', 'Whole').description('A pipeline.').tasks(task);
      if (whole.concurrency !== undefined) pipeline.concurrency(whole.concurrency);
      for (const [made, given] of [
        [task, part],
        [pipeline, whole],
      ] as const) {
        if (given.timeout !== undefined) made.timeout(given.timeout);
        if (given.startTimeout !== undefined) made.startTimeout(given.startTimeout);
        if (given.retries !== undefined) made.retries(...given.retries);
      }
      const printed: unknown = JSON.parse(JSON.stringify(pipeline));
      const { definition, faults } = parsePipelineDefinition(printed);
      expect(faults).toBeUndefined();
      expect(definition && toPipelineJson(definition)).toStrictEqual(printed);
    }),
  );
});
