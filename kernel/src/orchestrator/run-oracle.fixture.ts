// oxlint-disable vitest/valid-expect -- vitest's second argument is what a failure shows: the whole run
/** What must be true of every run that has ended, by the database alone, and what a run of such tasks must come to. */
import { expect } from 'vitest';
import type { RunStage, TaskJson } from './run-stage.fixture.ts';

type Status = 'successful' | 'failed' | 'cancelled' | 'skipped';

const fits = (required: string, ended: string): boolean =>
  required === 'Any' || (required === 'Success' ? ended === 'successful' : ended === 'failed' || ended === 'cancelled');

/** Of a run that nobody cancels: the status of every task. `exitOf` says how a task ends that runs. */
export function expectedStatuses(tasks: readonly TaskJson[], exitOf: (taskId: string) => Status): Record<string, Status> {
  const statuses: Record<string, Status> = {};
  const statusOf = (id: string): Status => {
    const known = statuses[id];
    if (known !== undefined) return known;
    const parents = Object.entries(tasks.find((task) => task.id === id)?.depends_on ?? {});
    const status = parents.every(([parent, required]) => fits(required, statusOf(parent))) ? exitOf(id) : 'skipped';
    statuses[id] = status;
    return status;
  };
  for (const { id } of tasks) statusOf(id);
  return statuses;
}

export function expectWellEnded(stage: RunStage, runUid: string, tasks: readonly TaskJson[]): void {
  const run = stage.run(runUid);
  const records = stage.tasks(runUid);
  const context = JSON.stringify({ run, events: stage.eventsOf(run), statuses: stage.statuses(runUid), log: stage.logged.slice(-3) });
  expect(run.state, context).toBe('complete');
  expect(Object.keys(records).toSorted(), context).toEqual(tasks.map((task) => task.id).toSorted());
  const statuses = stage.statuses(runUid);
  for (const { id, depends_on: parents = {} } of tasks) {
    const record = records[id];
    expect(record?.state, context).toBe('complete');
    const allowed = Object.entries(parents).every(([parent, required]) => fits(required, statuses[parent] ?? ''));
    // One that was cancelled may have been so at any time; else its parents decide.
    if (statuses[id] !== 'cancelled') expect(statuses[id] === 'skipped', `${id} of ${context}`).toBe(!allowed);
    expect(record?.statusReason === undefined, context).toBe(statuses[id] === 'successful');
    const attempts = stage.store.attempts.listOfTask(runUid, id);
    expect(attempts.length, context).toBeLessThanOrEqual(1);
    for (const attempt of attempts) {
      expect({ state: attempt.state, status: attempt.status }, context).toEqual({ state: 'complete', status: statuses[id] });
      expect(stage.starts.get(attempt.uid)?.size ?? 0, context).toBeLessThanOrEqual(1);
    }
  }
  const unsuccessful = Object.values(statuses).some((status) => status === 'failed' || status === 'cancelled');
  const expected = run.cancellation === undefined ? (unsuccessful ? 'failed' : 'successful') : 'cancelled';
  expect(run.status, context).toBe(expected);
  expectOrderedEvents(stage, runUid, tasks);
}

function expectOrderedEvents(stage: RunStage, runUid: string, tasks: readonly TaskJson[]): void {
  const run = stage.run(runUid);
  const events = stage.eventsOf(run);
  const context = events.join('\n');
  const count = (event: string): number => events.filter((each) => each === event).length;
  expect(events[0]).toBe('queued_run');
  expect(events.at(-1)).toBe(`completed_run ${run.status}`);
  expect(events.filter((event) => event.startsWith('completed_run '))).toHaveLength(1);
  expect(count('started_run')).toBeLessThanOrEqual(1);
  if (run.status !== 'cancelled') expect(events[1]).toBe('started_run');
  const statuses = stage.statuses(runUid);
  for (const { id } of tasks) {
    const completed = events.filter((event) => event.startsWith(`completed_task_execution ${id} `));
    expect(completed, context).toEqual([`completed_task_execution ${id} ${statuses[id]}`]);
    const [end = ''] = completed;
    expect(count(`created_task_execution ${id}`), context).toBe(1);
    expect(events.indexOf(`created_task_execution ${id}`), context).toBeLessThan(events.indexOf(end));
    const started = events.indexOf(`started_task_execution ${id}`);
    expect(count(`started_task_execution ${id}`), context).toBe(stage.tasks(runUid)[id]?.started === 0 ? 0 : 1);
    if (started < 0) continue;
    expect(started, context).toBeLessThan(events.indexOf(end));
    expect(events.indexOf(`created_task_execution ${id}`), context).toBeLessThan(started);
  }
}
