/** The entry of a graph worker. */

import { answerCompile, answerDecide } from './answer-dag-request.ts';
import type { DagReplies, DagRequest } from './dag-protocol.ts';

export function answer(request: DagRequest): DagReplies[DagRequest['kind']] {
  switch (request.kind) {
    case 'compile':
      return answerCompile(request.input);
    case 'decide':
      return request.items.map(answerDecide);
    default:
      return request satisfies never;
  }
}
