/** Random pipelines, with every setting that the orchestrator heeds. */
import { type PipelineDefinition, parsePipelineDefinition } from '@gofer/contracts/pipeline';
import type { Random } from './random.ts';

const MOST_TASKS = 7;

export function anyPipeline(id: string, random: Random): PipelineDefinition {
  const count = random.between(1, MOST_TASKS);
  const tasks = Array.from({ length: count }, (_, rank) => anyTask(rank, random));
  const { definition, faults } = parsePipelineDefinition({
    id,
    name: id,
    parallelism: random.pick([0, 0, 1, 2]),
    ...optional(random, 0.3, () => ({ concurrency: random.pick(['cancel_oldest', 'cancel_newest']) })),
    ...optional(random, 0.25, () => ({ timeout: random.between(20, 900) })),
    ...optional(random, 0.2, () => ({ start_timeout: random.between(1, 300) })),
    ...optional(random, 0.3, () => ({ retries: random.between(1, 2) })),
    tasks,
  });
  if (definition === undefined) throw new Error(`the simulation made a pipeline that is not valid: ${JSON.stringify(faults)}`);
  return definition;
}

function anyTask(rank: number, random: Random): object {
  const parents = Array.from({ length: rank }, (_, parent) => `task-${parent}`).filter(() => random.chance(0.35));
  return {
    id: `task-${rank}`,
    image: 'any',
    variables: {},
    depends_on: Object.fromEntries(parents.map((parent) => [parent, random.pick(['Any', 'Success', 'Success', 'Failure'])])),
    ...optional(random, 0.2, () => ({ always: true })),
    ...optional(random, 0.4, () => ({ timeout: random.between(1, 120) })),
    ...optional(random, 0.25, () => ({ start_timeout: random.between(1, 120) })),
    ...optional(random, 0.4, () => ({ retries: random.between(0, 3) })),
    ...optional(random, 0.3, () => ({ retry_on: anyCauses(random) })),
    ...optional(random, 0.4, () => ({
      retry_backoff: { initial: random.between(0, 5), maximum: random.between(5, 60), factor: random.between(1, 3) },
    })),
  };
}

function anyCauses(random: Random): (string | number)[] {
  const causes = (['failure', 'infrastructure', 'timeout', 3] as const).filter(() => random.chance(0.5));
  return causes.length === 0 ? ['infrastructure'] : causes;
}

function optional(random: Random, probability: number, make: () => object): object {
  return random.chance(probability) ? make() : {};
}
