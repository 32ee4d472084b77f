/** Small pipelines of any shape, whose every run must come to the same end; and which end that is. */
import type { TaskSketch } from '../e2e/gofer-server.ts';
import type { Random } from './random.ts';

export type Required = 'Any' | 'Success' | 'Failure';

export interface SoakTask {
  readonly id: string;
  readonly after: Readonly<Record<string, Required>>;
  readonly exitCode: number;
  /** Slept between the two halves of its output. */
  readonly pauseMs: number;
  /** Of output. */
  readonly lines: number;
}

export interface Dag {
  readonly id: string;
  readonly tasks: readonly SoakTask[];
}

export interface DagLimits {
  readonly tasks: number;
  readonly pauseMs: number;
}

/** How the tasks of a trial tell it what they do. */
export interface Reporting {
  /** Defines the shell function `report WORDS…`. */
  readonly shell: string;
  readonly variables: Readonly<Record<string, string>>;
}

const PADDING = 'x'.repeat(80);

export function randomDag(id: string, random: Random, limits: DagLimits): Dag {
  const tasks: SoakTask[] = [];
  for (let left = random.integer(1, limits.tasks); left > 0; left -= 1) {
    const parents = tasks.filter(() => random.chance(0.35));
    tasks.push({
      id: `t${tasks.length}`,
      after: Object.fromEntries(parents.map((parent) => [parent.id, requiredOf(parent, random)])),
      exitCode: random.chance(0.7) ? 0 : random.integer(1, 120),
      pauseMs: random.integer(0, limits.pauseMs),
      lines: random.chance(0.4) ? random.integer(20, 80) : random.integer(0, 3),
    });
  }
  return { id, tasks };
}

/** Mostly what lets the child run: else nearly all children of a long chain would be skipped. */
function requiredOf(parent: SoakTask, random: Random): Required {
  if (random.chance(0.3)) return random.pick(['Any', 'Success', 'Failure']);
  return parent.exitCode === 0 ? 'Success' : 'Failure';
}

export function fits(required: Required, status: string): boolean {
  return required === 'Any' || (required === 'Success' ? status === 'successful' : status === 'failed');
}

/** What a task writes in a run; `lines` of about a hundred bytes. */
export function outputOf(task: SoakTask, run: number): string {
  return Array.from({ length: task.lines }, (_, line) => `${task.id} ${run} ${line} ${PADDING}\n`).join('');
}

export function toSketches(dag: Dag, { shell, variables }: Reporting): readonly TaskSketch[] {
  return dag.tasks.map((task) => {
    const half = Math.ceil(task.lines / 2);
    const print = (from: number, to: number): string =>
      `i=${from}; while [ $i -lt ${to} ]; do echo "${task.id} $GOFER_RUN_ID $i ${PADDING}"; i=$((i+1)); done`;
    const who = '$GOFER_PIPELINE_ID $GOFER_RUN_ID $GOFER_TASK_ID $GOFER_RUN_ATTEMPT';
    const script = [
      shell,
      `report start ${who}`,
      print(0, half),
      `sleep ${(task.pauseMs / 1000).toFixed(3)}`,
      print(half, task.lines),
      `report end ${who} ${task.exitCode}`,
      `exit ${task.exitCode}`,
    ].join('\n');
    return { id: task.id, script, depends_on: task.after, variables };
  });
}
