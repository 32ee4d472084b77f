import { parsePipelineDefinition } from '@gofer/contracts/pipeline';
import { expect, test } from 'vitest';
import { separatePasswords } from './registry-credentials.ts';

function definition(passes: Readonly<Record<string, string | null>>) {
  const tasks = Object.entries(passes).map(([id, pass]) => ({
    id,
    image: 'busybox',
    depends_on: {},
    variables: {},
    inject_api_token: false,
    always_pull_newest_image: false,
    registry_auth: pass === null ? null : { user: 'robot', pass },
  }));
  const parsed = parsePipelineDefinition({ id: 'demo', name: 'demo', parallelism: 0, tasks });
  if (parsed.definition === undefined) throw new Error('not a pipeline');
  return parsed.definition;
}

test('passwords leave the definition, references to secrets stay', () => {
  const whole = definition({ plain: 'hunter22', reference: 'pipeline_secret{{ registry }}', unknown: 'unknown{{x}}', none: null });
  const { definition: rest, passwords } = separatePasswords(whole);
  expect(passwords).toEqual({ plain: 'hunter22' });
  expect(JSON.stringify(rest)).not.toContain('hunter22');
  expect(rest.tasks.map(({ registryAuth }) => registryAuth?.pass)).toEqual([
    '',
    'pipeline_secret{{ registry }}',
    'unknown{{x}}',
    undefined,
  ]);
  expect(separatePasswords(rest).passwords).toEqual({ plain: '' });
});

test('the password of a task is kept, whatever the task is called', () => {
  const whole = definition(JSON.parse('{ "__proto__": "hunter22", "constructor": "hunter33" }'));
  expect(JSON.stringify(separatePasswords(whole).passwords)).toBe('{"__proto__":"hunter22","constructor":"hunter33"}');
});

test('a definition without any is the same one', () => {
  const whole = definition({ one: null });
  expect(separatePasswords(whole)).toEqual({ definition: whole, passwords: {} });
  expect(separatePasswords(whole).definition).toBe(whole);
});
