import { expect, it } from 'vitest';
import { EngineWarnings } from './engine-warnings.ts';

it('tells each warning of the engine once, however many tasks it is about', () => {
  const told: unknown[] = [];
  const warnings = new EngineWarnings((level, _message, fields) => void told.push([level, fields?.['warning']]));
  const discarded = 'Your kernel does not support pids limit capabilities or the cgroup is not mounted. PIDs limit discarded.';
  for (const each of [[], null, undefined, [discarded], [discarded, 'another'], ['another']]) warnings.tell(each);
  expect(told).toEqual([
    ['warn', discarded],
    ['warn', 'another'],
  ]);
});
