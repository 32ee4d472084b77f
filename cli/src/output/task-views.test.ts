import type { TaskExecution } from '@gofer/contracts/api';
import { expect, it } from 'vitest';
import { createColours } from './presentation.ts';
import { renderTask, renderTaskRows } from './task-views.ts';

const PRESENTATION = { colours: createColours({ flag: true, environment: {}, isTerminal: true }), detail: false, now: 5_000 };
const PLAIN = { ...PRESENTATION, colours: createColours({ flag: false, environment: {}, isTerminal: false }) };
const TASK: TaskExecution = {
  namespace_id: 'default',
  pipeline_id: 'simple',
  run_id: 1,
  task_id: 'hello',
  created: 1_000,
  started: 1_000,
  ended: 2_000,
  exit_code: 0,
  logs_expired: false,
  logs_removed: false,
  state: 'complete',
  status: 'successful',
  status_reason: null,
  variables: [],
  task: {
    id: 'hello',
    description: '',
    image: 'busybox:latest',
    registry_auth: null,
    depends_on: {},
    variables: [],
    entrypoint: null,
    command: null,
    inject_api_token: false,
    always_pull_newest_image: false,
  },
};

it('the warnings of a task are yellow lines, without control sequences of their own', () => {
  const task = { ...TASK, warnings: ['the secret \u001b[2Jpin is too short to be masked', 'another'] };
  const lines = ['  \u001b[33m! the secret pin is too short to be masked\u001b[39m\n', '  \u001b[33m! another\u001b[39m\n'];
  expect(renderTask(task, PRESENTATION)).toContain(lines.join(''));
  expect(renderTask(TASK, PRESENTATION)).not.toContain('!');
});

it('what was heard of an attempt too late is told beside it, and changes nothing', () => {
  const attempt = {
    attempt: 1,
    id: 'a',
    engine: 'fake',
    state: 'complete',
    status: 'failed',
    exit_code: null,
    started: 1_000,
    ended: 2_000,
  } as const;
  const status_reason = { reason: 'orphaned', description: 'it \u001b[2Jvanished', cause: 'orphaned' } as const;
  const late = { exit_code: 0, description: 'it had exited', seen: 4_000 };
  const view = renderTask({ ...TASK, attempts: [{ ...attempt, status_reason, late }] }, PLAIN);
  expect(view).toMatch(/ {2}attempt 1 {2}failed .*it vanished \[orphaned, orphaned\]\n/u);
  expect(view).toContain('  ! attempt 1, heard 1 second ago, after its end was decided: it had exited (exit code 0)\n');
  expect(renderTask(TASK, PLAIN)).not.toContain('Attempts');
});

it("the warnings within a run's view name their task", () => {
  const rows = renderTaskRows([{ ...TASK, warnings: ['one'] }, TASK], PRESENTATION);
  expect(rows.endsWith('\n  \u001b[33m! hello: one\u001b[39m\n')).toBe(true);
});
