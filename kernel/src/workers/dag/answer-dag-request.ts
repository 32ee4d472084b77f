import { toFailure } from '@gofer/contracts';
import { decide } from '../../domain/decide.ts';
import { graphOn } from '../../domain/graph.ts';
import { countersOn } from '../../domain/run-counters.ts';
import { compilePipeline } from './compile-pipeline.ts';
import type { CompileReply, DecideItem, DecideReply } from './dag-protocol.ts';
import type { PipelineText } from './pipeline-text.ts';
import { readPipelineText, writePipelineText } from './pipeline-text.ts';

/** A failure crosses as data: an error that is thrown in a worker loses its code on the way. */
export function answerCompile(input: PipelineText): CompileReply {
  try {
    const { definition, graph, faults } = compilePipeline(readPipelineText(input));
    return definition === undefined
      ? { kind: 'faulty', faults }
      : { kind: 'compiled', definition: writePipelineText(definition), graph: graph.buffer };
  } catch (error) {
    return { kind: 'failed', failure: toFailure(error) };
  }
}

export function answerDecide(item: DecideItem): DecideReply {
  try {
    const decision = decide(graphOn(item.graph), countersOn(item.counters), item.finished, item.options);
    return { kind: 'decided', decision };
  } catch (error) {
    return { kind: 'failed', failure: toFailure(error) };
  }
}
