import { expect, it } from 'vitest';
import { newPipeline, newTask, PipelineError, pipelineSecret } from './index.ts';

const pipeline = () => newPipeline('nightly', 'Nightly').tasks(newTask('one', 'busybox:latest'));

it('is printed in the order of the program, and only where there is a subscription', () => {
  expect(pipeline().toJSON()).not.toHaveProperty('subscriptions');
  const subscribed = pipeline()
    .subscribe('cron', 'nightly', { expression: '0 3 * * * *' })
    .subscribe('github', 'run_tests', { repository: 'a/b', token: pipelineSecret('token') })
    .subscribe('webhook', 'any');
  expect(subscribed.toJSON().subscriptions).toEqual([
    { extension_id: 'cron', subscription_id: 'nightly', settings: { expression: '0 3 * * * *' } },
    { extension_id: 'github', subscription_id: 'run_tests', settings: { repository: 'a/b', token: 'pipeline_secret{{token}}' } },
    { extension_id: 'webhook', subscription_id: 'any', settings: {} },
  ]);
});

it('keeps the settings that it was given, whatever becomes of the object', () => {
  const settings = { every: '5m' };
  const subscribed = pipeline().subscribe('interval', 'often', settings);
  settings.every = '1s';
  expect(subscribed.toJSON().subscriptions?.[0]?.settings).toEqual({ every: '5m' });
});

it('takes the same name for another extension, but not twice for one', () => {
  const subscribed = pipeline().subscribe('cron', 'often').subscribe('interval', 'often');
  expect(() => subscribed.subscribe('cron', 'often')).toThrow(new PipelineError('there are two subscriptions "cron/often"'));
});

it('is refused by the compiler and at run time', () => {
  // @ts-expect-error an extension id has no underscore
  expect(() => pipeline().subscribe('my_cron', 'nightly')).toThrow(/"my_cron" is not an extension id: use 3 to 32/u);
  // @ts-expect-error a subscription id has no blank
  expect(() => pipeline().subscribe('cron', 'every night')).toThrow(/"every night" is not a subscription id: use 1 to 63/u);
  // @ts-expect-error a setting is a string
  expect(() => pipeline().subscribe('interval', 'often', { every: 5 })).toThrow(
    'the setting "every" of subscription "interval/often" must be a string, not 5',
  );
  // @ts-expect-error settings are an object
  expect(() => pipeline().subscribe('interval', 'often', ['every=5m'])).toThrow(/must be an object of strings, not a list/u);
});
