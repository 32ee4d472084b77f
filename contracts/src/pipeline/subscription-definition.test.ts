import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePipelineDefinition } from './parse-pipeline-definition.ts';
import { toPipelineJson } from './pipeline-json.ts';
import { PIPELINE_LIMITS } from './pipeline-limits.ts';

const TASK = { id: 'build', image: 'busybox', depends_on: {}, variables: {}, inject_api_token: false, always_pull_newest_image: false };
const NIGHTLY = { extension_id: 'cron', subscription_id: 'nightly', settings: { expression: '0 3 * * * *' } };

const withSubscriptions = (subscriptions: unknown) => ({ id: 'simple', name: 'Simple', parallelism: 0, tasks: [TASK], subscriptions });
const faultsOf = (subscriptions: unknown): string[] =>
  (parsePipelineDefinition(withSubscriptions(subscriptions)).faults ?? []).map(({ path, message }) => `${path}: ${message}`);

test('subscriptions are read, in order, with references as they are written', () => {
  const { definition } = parsePipelineDefinition(
    withSubscriptions([NIGHTLY, { extension_id: 'github', subscription_id: 'run_tests', settings: { token: 'pipeline_secret{{t}}' } }]),
  );
  expect(definition?.subscriptions).toEqual([
    { extensionId: 'cron', subscriptionId: 'nightly', settings: { expression: '0 3 * * * *' } },
    { extensionId: 'github', subscriptionId: 'run_tests', settings: { token: 'pipeline_secret{{t}}' } },
  ]);
});

test.each([[undefined], [null], [[]]])('where they are %j there are none', (subscriptions) => {
  const { definition } = parsePipelineDefinition(withSubscriptions(subscriptions));
  expect(definition).toBeDefined();
  expect(definition).not.toHaveProperty('subscriptions');
  expect(definition && toPipelineJson(definition)).not.toHaveProperty('subscriptions');
});

test('every fault is named at once, each with its path', () => {
  expect(
    faultsOf([
      NIGHTLY,
      'cron',
      { extension_id: 'a_b', subscription_id: 'a b', settings: { every: 5, '': 'x' } },
      { settings: [] },
      { ...NIGHTLY, settings: null },
    ]),
  ).toEqual([
    '$.subscriptions[1]: a subscription must be an object, is a string',
    "$.subscriptions[2].extension_id: 'a_b' is not an extension id; use 3 to 32 characters of a-z, A-Z, 0-9 and -",
    "$.subscriptions[2].subscription_id: 'a b' is not a subscription id; use 1 to 63 characters of a-z, A-Z, 0-9, _ and -",
    '$.subscriptions[2].settings.every: must be a string, is a number',
    '$.subscriptions[2].settings[""]: a setting must have a name',
    '$.subscriptions[3].extension_id: must be a string, is missing',
    '$.subscriptions[3].subscription_id: must be a string, is missing',
    '$.subscriptions[3].settings: must be an object, is an array',
    "$.subscriptions[4].subscription_id: the subscription 'cron/nightly' is already that of $.subscriptions[0]",
  ]);
  expect(faultsOf({})).toEqual(['$.subscriptions: must be an array of subscriptions, is an object']);
});

test('there are limits', () => {
  const many = Array.from({ length: PIPELINE_LIMITS.subscriptions + 1 }, (_, index) => ({ ...NIGHTLY, subscription_id: `s${index}` }));
  expect(faultsOf(many)).toEqual(['$.subscriptions: a pipeline has at most 1000 subscriptions, this one has 1001']);
  const settings = Object.fromEntries(Array.from({ length: PIPELINE_LIMITS.settings + 1 }, (_, index) => [`s${index}`, '']));
  expect(faultsOf([{ ...NIGHTLY, settings }])).toEqual(['$.subscriptions[0].settings: at most 200 settings are taken, these are 201']);
  expect(faultsOf([{ ...NIGHTLY, settings: { big: 'x'.repeat(200_000) } }])).toHaveLength(1);
});

test('what is written is read as the same again', () => {
  const id = fc.stringMatching(/^[a-zA-Z0-9-]{3,32}$/);
  const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,63}$/);
  const settings = fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { maxKeys: 5, noNullPrototype: true });
  const subscription = fc.record({ extension_id: id, subscription_id: label, settings }, { noNullPrototype: true });
  const subscriptions = fc.uniqueArray(subscription, {
    minLength: 1,
    maxLength: 5,
    selector: ({ extension_id, subscription_id }) => `${extension_id}/${subscription_id}`,
  });
  fc.assert(
    fc.property(subscriptions, (written) => {
      const { definition } = parsePipelineDefinition(withSubscriptions(written));
      expect(definition && toPipelineJson(definition).subscriptions).toStrictEqual(written);
    }),
  );
});
