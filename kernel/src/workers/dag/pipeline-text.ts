/**
 * A pipeline as JSON text in pieces, which is how it crosses to a worker and back: text is copied at the speed of memory, where a
 * structured clone of many small objects takes five times as long to read as its JSON. The pieces are written and read one to a turn
 * of the event loop, so that a pipeline of 100,000 tasks keeps nobody waiting.
 */

import { GoferError } from '@gofer/contracts';

export interface PipelineText {
  /** JSON of everything but the tasks. */
  readonly head: string;
  /** JSON arrays of tasks, in order. */
  readonly tasks: readonly string[];
}

export interface PipelineInput {
  readonly tasks: readonly unknown[];
}

/** A millisecond or two each. */
const TASKS_A_PIECE = 500;

/** At once, where nobody waits: in a worker. */
export function writePipelineText(pipeline: PipelineInput): PipelineText {
  return { head: writeHead(pipeline), tasks: Array.from(pieces(pipeline.tasks), (piece) => JSON.stringify(piece)) };
}

export async function writePipelineTextByTurns(pipeline: PipelineInput): Promise<PipelineText> {
  const tasks: string[] = [];
  for (const piece of pieces(pipeline.tasks)) {
    if (tasks.length > 0) await nextTurn();
    tasks.push(JSON.stringify(piece));
  }
  return { head: writeHead(pipeline), tasks };
}

/** At once, where nobody waits: in a worker. */
export function readPipelineText({ head, tasks }: PipelineText): PipelineInput {
  return { ...JSON.parse(head), tasks: tasks.flatMap(readPiece) };
}

export async function readPipelineTextByTurns({ head, tasks }: PipelineText): Promise<PipelineInput> {
  const all: unknown[] = [];
  for (const piece of tasks) {
    if (all.length > 0) await nextTurn();
    all.push(...readPiece(piece));
  }
  return { ...JSON.parse(head), tasks: all };
}

function writeHead(pipeline: PipelineInput): string {
  return JSON.stringify({ ...pipeline, tasks: undefined });
}

function readPiece(piece: string): readonly unknown[] {
  const tasks: unknown = JSON.parse(piece);
  if (!Array.isArray(tasks)) throw new GoferError('INTERNAL', 'a piece of a pipeline is not an array of tasks');
  return tasks;
}

function* pieces(tasks: readonly unknown[]): Generator<readonly unknown[]> {
  for (let begin = 0; begin < tasks.length; begin += TASKS_A_PIECE) yield tasks.slice(begin, begin + TASKS_A_PIECE);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
