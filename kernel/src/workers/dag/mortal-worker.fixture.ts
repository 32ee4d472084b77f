/** A graph worker that dies of every graph of 13 tasks. */

import { graphOn } from '../../domain/graph.ts';
import type { DagReplies, DagRequest } from './dag-protocol.ts';
import { answer as answerForReal } from './dag-worker.ts';

const DEADLY_TASKS = 13;

export function answer(request: DagRequest): DagReplies[DagRequest['kind']] {
  if (request.kind === 'decide' && request.items.some((item) => graphOn(item.graph).taskCount === DEADLY_TASKS)) process.exit(1);
  return answerForReal(request);
}
