/** Compares what the server says of a run that has ended with what its tasks themselves have said. */
import { createHash } from 'node:crypto';
import type { Run, TaskExecution } from '@gofer/contracts/api';
import type { Report } from './evidence.ts';
import { type Dag, fits, outputOf, type SoakTask } from './random-dag.ts';

/** What the API answers about a run. */
export interface Told {
  readonly run: Run;
  readonly tasks: readonly TaskExecution[];
  /** Bytes by task, of those that have a log. */
  readonly logs: ReadonlyMap<string, Buffer>;
}

export interface Verdict {
  /** One sentence for each thing that is not as it must be. */
  readonly faults: readonly string[];
  /** Tasks that have run, by their own word. */
  readonly ran: number;
  /** Tasks that died with their engine, and of which the server says so. */
  readonly died: number;
}

/** `diedWords`: what is said of tasks that may have died with their engine; these, and no others, have failed without having ended. */
export function judge(dag: Dag, told: Told, reports: readonly Report[], diedWords?: RegExp): Verdict {
  const faults: string[] = [];
  const fault = (what: string): number => faults.push(`${dag.id} run ${told.run.run_id}: ${what}`);
  const tasks = new Map(told.tasks.map((task) => [task.task_id, task]));
  if (tasks.size !== dag.tasks.length || told.tasks.length !== dag.tasks.length)
    fault(`has ${told.tasks.length} tasks of ${dag.tasks.length}`);
  const [ran, died] = [new Set<string>(), new Set<string>()];
  for (const task of dag.tasks) {
    const execution = tasks.get(task.id);
    if (execution === undefined) {
      fault(`has no task ${task.id}`);
      continue;
    }
    const own = reports.filter((report) => report.task === task.id);
    if (own.length > 0) ran.add(task.id);
    const allowed = Object.entries(task.after).every(([parent, required]) => fits(required, tasks.get(parent)?.status ?? ''));
    if (execution.state !== 'complete') fault(`${task.id} is ${execution.state}`);
    if (!allowed) {
      if (execution.status !== 'skipped') fault(`${task.id} is ${execution.status}, though its parents do not let it run`);
      if (own.length > 0) fault(`${task.id} has run, though its parents do not let it`);
      continue;
    }
    const isDead = diedWords !== undefined && hasDied(execution, diedWords);
    if (isDead) died.add(task.id);
    for (const each of isDead ? faultsOfTheDead(execution, own) : faultsOf(task, execution, own)) fault(`${task.id} ${each}`);
    for (const each of faultsOfTheLog(task, execution, told, isDead)) fault(`the log of ${task.id} ${each}`);
    for (const parent of Object.keys(task.after)) {
      if (
        isEarlier(
          own,
          'start',
          reports.filter((report) => report.task === parent),
          'end',
        )
      )
        fault(`${task.id} began before ${parent} had ended`);
    }
  }
  const status = told.tasks.some((task) => task.status === 'failed') ? 'failed' : 'successful';
  if (told.run.state !== 'complete' || told.run.status !== status) fault(`is ${told.run.state}, ${told.run.status} instead of ${status}`);
  return { faults, ran: ran.size, died: died.size };
}

function hasDied({ status, status_reason }: TaskExecution, words: RegExp): boolean {
  return status === 'failed' && words.test(status_reason?.description ?? '');
}

function faultsOf(task: SoakTask, told: TaskExecution, own: readonly Report[]): readonly string[] {
  const faults: string[] = [];
  const [starts, ends] = [own.filter(({ kind }) => kind === 'start'), own.filter(({ kind }) => kind === 'end')];
  if (starts.length !== 1 || ends.length !== 1)
    faults.push(`has begun ${starts.length} times and ended ${ends.length} times; ${JSON.stringify(told)}`);
  const real = ends[0]?.exitCode ?? task.exitCode;
  if (told.exit_code !== real || real !== task.exitCode) faults.push(`ended with ${real} and is said to have ended with ${told.exit_code}`);
  const status = task.exitCode === 0 ? 'successful' : 'failed';
  const why = told.status_reason === null ? '' : ` (${told.status_reason.description})`;
  if (told.status !== status) faults.push(`is ${told.status}${why} instead of ${status}`);
  if (told.attempts?.length !== 1) faults.push(`has ${told.attempts?.length} attempts`);
  const attempts = new Set([...own.map(({ attempt }) => attempt), ...(told.attempts ?? []).map(({ attempt }) => attempt)]);
  if (attempts.size > 1) faults.push(`has run as attempts ${[...attempts].join(', ')}`);
  return faults;
}

function faultsOfTheDead(told: TaskExecution, own: readonly Report[]): readonly string[] {
  const starts = own.filter(({ kind }) => kind === 'start').length;
  return starts > 1 ? [`has begun ${starts} times; ${JSON.stringify(told)}`] : [];
}

/** That of a task that died is what the engine had kept. */
function faultsOfTheLog(task: SoakTask, { log, status_reason }: TaskExecution, told: Told, isDead: boolean): readonly string[] {
  const expected = outputOf(task, told.run.run_id);
  const bytes = told.logs.get(task.id);
  // That of a task of which nobody knows whether it began is the reason.
  if (isDead && bytes?.toString().trimEnd() === status_reason?.description) return [];
  if (isDead)
    return expected.startsWith(bytes?.toString() ?? '')
      ? []
      : [`has what the task did not write: ${differenceOf(bytes?.toString() ?? '', expected)} ${JSON.stringify(log)} `];
  if (bytes === undefined) return ['is not there'];
  if (isCutByTheEngine(log)) return isPartOf(bytes.toString(), expected) ? [] : ['has what the task did not write'];
  if (bytes.toString() !== expected)
    return [
      `has ${bytes.length} bytes that are not the ${expected.length} of the task: ${differenceOf(bytes.toString(), expected)} ${JSON.stringify(log)}`,
    ];
  const sha256 = createHash('sha256').update(expected).digest('hex');
  const isSealed = log?.complete === true && log.lines === task.lines && log.bytes === bytes.length && log.sha256 === sha256;
  return isSealed ? [] : [`is sealed as ${JSON.stringify(log)}`];
}

function isEarlier(own: readonly Report[], kind: Report['kind'], others: readonly Report[], other: Report['kind']): boolean {
  const mine = own.find((report) => report.kind === kind)?.place ?? Number.POSITIVE_INFINITY;
  const theirs = others.find((report) => report.kind === other)?.place ?? Number.NEGATIVE_INFINITY;
  return mine < theirs;
}

/** What a task wrote while its engine was dead may be missing, from its end or its middle, where the log says so. */
function isCutByTheEngine(log: TaskExecution['log']): boolean {
  return log?.complete === false && /Docker engine died/.test(log.problem ?? '');
}

/** True if `told` is `expected` without some of its bytes, line by line. */
function isPartOf(told: string, expected: string): boolean {
  const lines = expected.split('\n');
  let place = 0;
  return told.split('\n').every((line) => {
    const at = lines.findIndex((one, index) => index >= place && one.includes(line));
    place = at;
    return at !== -1;
  });
}

/** Where a log goes off, in a few words. */
function differenceOf(told: string, expected: string): string {
  let place = 0;
  while (place < told.length && told[place] === expected[place]) place += 1;
  return `from byte ${place} on ${JSON.stringify(told.slice(place, place + 300))} instead of ${JSON.stringify(expected.slice(place, place + 40))}`;
}
