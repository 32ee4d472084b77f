import { parsePipelineDefinition } from '@gofer/contracts/pipeline';
import { compileGraph } from '../../domain/graph.ts';
import type { CompiledPipeline } from './dag-engine.ts';

export function compilePipeline(input: unknown): CompiledPipeline {
  const { definition, faults } = parsePipelineDefinition(input);
  return definition === undefined ? { faults } : { definition, graph: compileGraph(definition.tasks) };
}
