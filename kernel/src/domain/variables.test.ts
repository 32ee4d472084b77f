import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemVariables } from './system-variables.ts';
import { mergeVariables, toEnvironment } from './variables.ts';

test('pipeline config beats run options beats system; the winner keeps its spelling', () => {
  const merged = mergeVariables({
    system: { GOFER_RUN_ID: '1', Path: 'system', Only: 's' },
    run_options: { path: 'run', gofer_run_id: '7' },
    pipeline_config: { PATH: 'config', '': 'dropped' },
  });
  expect(merged).toEqual([
    { key: 'gofer_run_id', value: '7', source: 'run_options' },
    { key: 'Only', value: 's', source: 'system' },
    { key: 'PATH', value: 'config', source: 'pipeline_config' },
  ]);
  expect(toEnvironment(merged)).toEqual({ gofer_run_id: '7', Only: 's', PATH: 'config' });
});

test('every name survives once, from the strongest source that has it, in one order', () => {
  const values = fc.dictionary(fc.constantFrom('', 'a', 'A', 'b', 'B', 'c', '__proto__', 'é', 'É'), fc.string());
  fc.assert(
    fc.property(values, values, values, (system, run_options, pipeline_config) => {
      const merged = mergeVariables({ system, run_options, pipeline_config });
      const names = merged.map(({ key }) => key.toUpperCase());
      expect(new Set(names).size).toBe(names.length);
      expect(names).toEqual([...names].sort());
      const sources = { system, run_options, pipeline_config };
      const keys = Object.values(sources).flatMap((source) => Object.keys(source));
      expect(new Set(names)).toEqual(new Set(keys.filter((key) => key !== '').map((key) => key.toUpperCase())));
      const order = ['pipeline_config', 'run_options', 'system'] as const;
      for (const variable of merged) {
        expect(sources[variable.source][variable.key]).toBe(variable.value);
        const strongest = order.find((source) =>
          Object.keys(sources[source]).some((key) => key.toUpperCase() === variable.key.toUpperCase()),
        );
        expect(variable.source).toBe(strongest);
      }
      const reordered = mergeVariables({ pipeline_config, run_options, system });
      expect(reordered).toEqual(merged);
      expect(Object.keys(toEnvironment(merged))).toHaveLength(merged.length);
    }),
  );
});

test('system variables', () => {
  expect(
    systemVariables({ namespaceId: 'default', pipelineId: 'simple', runId: 12, taskId: 'build', image: 'busybox', attempt: 1 }),
  ).toEqual({
    GOFER_NAMESPACE_ID: 'default',
    GOFER_PIPELINE_ID: 'simple',
    GOFER_RUN_ID: '12',
    GOFER_RUN_ATTEMPT: '1',
    GOFER_TASK_ID: 'build',
    GOFER_TASK_IMAGE: 'busybox',
  });
});
