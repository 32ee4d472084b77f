/** The comparison finds what it is there to find. */
import { createHash } from 'node:crypto';
import type { Run, TaskExecution } from '@gofer/contracts/api';
import { describe, expect, it } from 'vitest';
import type { Report } from './evidence.ts';
import { type Dag, outputOf } from './random-dag.ts';
import { judge, type Told } from './verdict.ts';

const FIRST = { id: 'a', after: {}, exitCode: 3, pauseMs: 0, lines: 2 };
const SECOND = { id: 'b', after: { a: 'Failure' }, exitCode: 0, pauseMs: 0, lines: 1 } as const;
const THIRD = { id: 'c', after: { a: 'Success' }, exitCode: 0, pauseMs: 0, lines: 0 } as const;
const DAG: Dag = { id: 'p', tasks: [FIRST, SECOND, THIRD] };

const log = (task: Dag['tasks'][number]) => Buffer.from(outputOf(task, 1));
const seal = (task: Dag['tasks'][number]) => ({
  lines: task.lines,
  bytes: log(task).length,
  sha256: createHash('sha256').update(log(task)).digest('hex'),
  complete: true,
});
// Only what the comparison reads.
const execution = (task_id: string, change: Partial<TaskExecution>) =>
  ({ task_id, state: 'complete', status_reason: null, ...change }) as TaskExecution;
const attempts = [{ attempt: 1 }] as NonNullable<TaskExecution['attempts']>;
const A = { status: 'failed', exit_code: 3, attempts, log: seal(FIRST) } as const;
const B = { status: 'successful', exit_code: 0, attempts, log: seal(SECOND) } as const;

function told(
  change: { a?: Partial<TaskExecution>; b?: Partial<TaskExecution>; c?: Partial<TaskExecution>; run?: Partial<Run> } = {},
): Told {
  const tasks = [
    execution('a', { ...A, ...change.a }),
    execution('b', { ...B, ...change.b }),
    execution('c', { status: 'skipped', exit_code: 1, ...change.c }),
  ];
  const run = { run_id: 1, state: 'complete', status: 'failed', ...change.run } as Run;
  return {
    run,
    tasks,
    logs: new Map([
      ['a', log(FIRST)],
      ['b', log(SECOND)],
    ]),
  };
}

const report = (kind: Report['kind'], task: string, exitCode: number) => ({ kind, pipeline: 'p', run: 1, task, attempt: 1, exitCode });
const PLACED = (reports: readonly Omit<Report, 'place'>[]): readonly Report[] => reports.map((each, place) => ({ ...each, place }));
const [startA, endA, startB, endB] = [report('start', 'a', 0), report('end', 'a', 3), report('start', 'b', 0), report('end', 'b', 0)];
const TRUE = PLACED([startA, endA, startB, endB]);

describe('the comparison', () => {
  it('has nothing to say of what is as it was', () => {
    expect(judge(DAG, told(), TRUE)).toEqual({ faults: [], ran: 2, died: 0 });
  });

  it.each<[string, Told, readonly Report[]]>([
    ['a task that ran twice', told(), PLACED([startA, startA, endA, startB, endB])],
    ['a task that never ran', told(), PLACED([startA, endA])],
    ['a task that began too early', told(), PLACED([startA, startB, endA, endB])],
    ['a skipped task that ran', told(), PLACED([startA, endA, startB, endB, report('start', 'c', 0)])],
    ['another exit code', told({ a: { exit_code: 4 } }), TRUE],
    ['another status', told({ b: { status: 'failed' } }), TRUE],
    ['a second attempt', told({ b: { attempts: [{ attempt: 1 }, { attempt: 2 }] as NonNullable<TaskExecution['attempts']> } }), TRUE],
    ['a task that has not ended', told({ b: { state: 'running' } }), TRUE],
    ['a run that has not ended', told({ run: { state: 'running' } }), TRUE],
    ['a wrong end of the run', told({ run: { status: 'successful' } }), TRUE],
    ['a log that is not complete', told({ a: { log: { ...seal(FIRST), complete: false } } }), TRUE],
    [
      'a log without its last byte',
      {
        ...told(),
        logs: new Map([
          ['a', log(FIRST).subarray(1)],
          ['b', log(SECOND)],
        ]),
      },
      TRUE,
    ],
    ['a missing task', { ...told(), tasks: told().tasks.slice(1) }, TRUE],
  ])('finds %s', (_what, wrong, reports) => {
    expect(judge(DAG, wrong, reports).faults).not.toEqual([]);
  });

  it('takes a death for one only where an engine died and the server says so', () => {
    const died = told({
      b: { status: 'failed', exit_code: 1, status_reason: { reason: 'scheduler_error', description: 'the Docker engine restarted' } },
    });
    const reports = PLACED([startA, endA, startB]);
    expect(judge(DAG, died, reports, /Docker engine/)).toEqual({ faults: [], ran: 2, died: 1 });
    expect(judge(DAG, died, reports).faults).not.toEqual([]);
    expect(judge(DAG, told({ b: { status: 'failed', exit_code: 1 } }), reports, /Docker engine/).faults).not.toEqual([]);
  });
});
