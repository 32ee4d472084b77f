/** What must hold while the world goes on (`StartRules`), and of everything once it has ended (`checkEnds`). */
import { readFileSync } from 'node:fs';
import { type PipelineDefinition, retryPolicyOf, type TaskDefinition } from '@gofer/contracts/pipeline';
import { effectiveRunLimit, unlimitedIfZero } from '../../kernel/src/domain/index.ts';
import type { AttemptRecord } from '../../kernel/src/storage/attempts-table.ts';
import type { TaskRecord } from '../../kernel/src/storage/task-executions-table.ts';
import { logPaths } from '../../kernel/src/workers/logs/log-files.ts';
import type { Journal, RunView } from './journal.ts';
import type { SimulatedEngine } from './simulated-engine.ts';
import type { ServerLimits } from './simulated-server.ts';
import { linesOf, type SimulatedTask } from './simulated-task.ts';

/** Milliseconds by the monotonic clock. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

type DefinitionOf = (pipelineUid: string) => PipelineDefinition | undefined;

const fits = (required: string, ended: string): boolean =>
  required === 'any' || (required === 'success' ? ended === 'successful' : ended === 'failed' || ended === 'cancelled');

export interface StartRulesParts {
  readonly journal: Journal;
  readonly engine: SimulatedEngine;
  readonly limits: ServerLimits;
  readonly definitionOf: DefinitionOf;
  readonly violated: (what: string) => void;
}

/** What may begin, by what is on the disk at that moment and by what the engine really does. */
export class StartRules {
  readonly #parts: StartRulesParts;

  constructor(parts: StartRulesParts) {
    this.#parts = parts;
  }

  /** The engine has begun to run an attempt. */
  started({ spec }: SimulatedTask): void {
    const { journal, engine, limits, definitionOf, violated } = this.#parts;
    const view = journal.view(spec.labels['run'] ?? '');
    const taskId = spec.labels['task'] ?? '';
    const attempt = view?.attempts.get(spec.attemptId);
    if (view === undefined || attempt === undefined) return violated(`an attempt of ${taskId} began before it was on the disk`);
    const what = `attempt ${attempt.number} of ${taskId} of run ${view.run.runId}`;
    if (attempt.state === 'complete') violated(`${what} began after it had ended`);
    if (view.run.state !== 'running') violated(`${what} began while its run was ${view.run.state}`);
    const definition = definitionOf(view.run.pipelineUid)?.tasks.find(({ id }) => id === taskId);
    for (const [parent, required] of Object.entries(definition?.dependsOn ?? {})) {
      const { state, status = '' } = view.tasks.get(parent) ?? {};
      if (state !== 'complete' || !fits(required, status))
        violated(`${what} began although ${parent} (${required}) was ${state} ${status}`);
    }
    const active = engine.history.filter(({ overSince }) => overSince === undefined);
    const sameRun = active.filter((other) => other.spec.labels['run'] === view.run.uid && other.spec.attemptId !== spec.attemptId);
    for (const other of sameRun) {
      const otherId = other.spec.labels['task'] ?? '';
      if (otherId === taskId) violated(`${what} began while another attempt of it ran`);
      if (Object.hasOwn(definition?.dependsOn ?? {}, otherId)) violated(`${what} began while its parent ${otherId} ran`);
    }
    if (active.length > unlimitedIfZero(limits.runningTasks))
      violated(`${active.length} tasks ran at once, and ${limits.runningTasks} may`);
  }

  /** A commit has changed a run. */
  created(before: RunView | undefined, { run, tasks: records, attempts }: RunView): void {
    const { cancellation } = before?.run ?? {};
    if (before === undefined || cancellation === undefined) return;
    const tasks = this.#parts.definitionOf(run.pipelineUid)?.tasks ?? [];
    for (const { uid, taskId, created } of attempts.values()) {
      // What was under way when it was asked for may be finished, or is ended in the same stroke.
      if (before.attempts.has(uid) || created <= cancellation.at || records.get(taskId)?.cancellation !== undefined) continue;
      const isSpared = tasks.find(({ id }) => id === taskId)?.always === true && !cancellation.force;
      if (!isSpared)
        this.#parts.violated(
          `an attempt of ${taskId} of run ${run.runId} was made after its run was cancelled (${cancellation.cause}${cancellation.force ? ', by force' : ''})`,
        );
    }
  }

  /** After each commit. */
  checkLimits(): void {
    const { journal, limits, definitionOf, violated } = this.#parts;
    const running = journal.runs.filter(({ run }) => run.state === 'running');
    if (running.length > unlimitedIfZero(limits.globalRuns)) violated(`${running.length} runs at once, and ${limits.globalRuns} may`);
    for (const pipelineUid of new Set(running.map(({ run }) => run.pipelineUid))) {
      const count = running.filter(({ run }) => run.pipelineUid === pipelineUid).length;
      const limit = effectiveRunLimit(definitionOf(pipelineUid)?.parallelism ?? 0, limits.pipelineRuns);
      if (count > limit) violated(`${count} runs of one pipeline at once, and ${limit} may`);
    }
  }
}

export interface EndedWorld {
  readonly runs: readonly RunView[];
  readonly history: readonly SimulatedTask[];
  readonly logDirectory: string;
  readonly definitionOf: DefinitionOf;
  /** While the server could not do what it should: it was not there, or the engine or the disk was not. */
  readonly disturbances: readonly Interval[];
  readonly lives: number;
  readonly stopGraceMs: number;
  readonly hasSlowCalls: boolean;
  readonly hasClockSteps: boolean;
  readonly violated: (what: string) => void;
}

/** After a disturbance what is tried again may be in its longest pause. */
const AFTERMATH_MS = 12_000;
/** A stop by a person has at most so much grace. */
const LONGEST_GRACE_MS = 20_000;
/** What several slow calls may take one after the other. */
const SLOW_CALLS_MS = 150_000;
/** The collector of a log gives up a source that fails no sooner after its task's end. */
const LOG_PATIENCE_MS = 59_000;

export function checkEnds(world: EndedWorld): void {
  const started = new Map(world.history.map((task) => [task.spec.attemptId, task]));
  for (const view of world.runs) {
    const definition = world.definitionOf(view.run.pipelineUid);
    if (definition === undefined) throw new Error('a run of no pipeline');
    checkRun(view, definition, world.violated);
    for (const task of definition.tasks) {
      const attempts = [...view.attempts.values()].filter(({ taskId }) => taskId === task.id);
      checkRetries(view, definition, task, attempts, started, world);
      for (const attempt of attempts) {
        const real = started.get(attempt.uid);
        if (real === undefined) continue;
        checkAttempt(attempt, real, world);
        if (task.timeout !== undefined) checkTimeout(task.timeout * 1000, attempt, real, world);
      }
    }
  }
}

function checkRun({ run, tasks }: RunView, definition: PipelineDefinition, violated: (what: string) => void): void {
  const name = `run ${run.runId}`;
  if (tasks.size !== definition.tasks.length) violated(`${name} has ${tasks.size} of ${definition.tasks.length} tasks`);
  const statusOf = (id: string): string => tasks.get(id)?.status ?? '';
  for (const { id, dependsOn, always } of definition.tasks) {
    const task = tasks.get(id);
    if (task?.state !== 'complete') violated(`task ${id} of ${name} is ${task?.state}`);
    const isAllowed = Object.entries(dependsOn).every(([parent, required]) => fits(required, statusOf(parent)));
    const status = statusOf(id);
    if (status !== 'cancelled' && (status === 'skipped') === isAllowed) violated(`task ${id} of ${name} is ${status} behind its parents`);
    const { cause } = task?.statusReason ?? {};
    const isRunCause = cause === 'run_cancelled' || cause === 'run_timeout';
    if (status === 'cancelled' && isRunCause && run.cancellation === undefined && run.begun > 0)
      violated(`task ${id} of ${name} was cancelled with a run that was not`);
    const wasSpared = always === true && run.begun > 0 && run.cancellation?.force !== true;
    if (wasSpared && status === 'cancelled' && isRunCause) violated(`task ${id} of ${name} is a clean-up and was cancelled with its run`);
  }
  const unsuccessful = [...tasks.values()].some(({ status }) => status === 'failed' || status === 'cancelled');
  const { cancellation, begun } = run;
  const natural = unsuccessful || begun === 0 ? 'failed' : 'successful';
  const expected = cancellation === undefined ? natural : cancellation.cause === 'timeout' ? 'failed' : 'cancelled';
  if (run.status !== expected) violated(`${name} is ${run.status}, and should be ${expected}`);
}

/** The words of `retry_on` for the causes of a failure. */
const RETRIED: Readonly<Record<string, string>> = {
  exit_code: 'failure',
  timeout: 'timeout',
  start_timeout: 'infrastructure',
  image_pull: 'infrastructure',
  engine: 'infrastructure',
  orphaned: 'infrastructure',
};

function checkRetries(
  { run, tasks }: RunView,
  definition: PipelineDefinition,
  task: TaskDefinition,
  attempts: readonly AttemptRecord[],
  started: ReadonlyMap<string, SimulatedTask>,
  { hasClockSteps, violated }: EndedWorld,
): void {
  const name = `task ${task.id} of run ${run.runId}`;
  const { retries, retryOn, backoff } = retryPolicyOf(definition, task);
  const mayRetry = ({ statusReason, exitCode, status }: AttemptRecord): boolean => {
    const kind = RETRIED[statusReason?.cause ?? ''];
    const isMeant = retryOn.some((cause) => cause === kind || (kind === 'failure' && cause === exitCode));
    return status === 'failed' && isMeant;
  };
  if (attempts.length > retries + 1) violated(`${name} had ${attempts.length} attempts, and ${retries} retries are allowed`);
  for (const [index, attempt] of attempts.entries()) {
    if (attempt.number !== index + 1) violated(`attempt ${index + 1} of ${name} has the number ${attempt.number}`);
    if (attempt.state !== 'complete') violated(`attempt ${attempt.number} of ${name} is ${attempt.state}`);
    const next = attempts[index + 1];
    if (next === undefined) continue;
    if (!mayRetry(attempt))
      violated(`${name} was tried again after an attempt that was ${attempt.status} for ${attempt.statusReason?.cause}`);
    const [ended, begun] = [started.get(attempt.uid)?.overSince, started.get(next.uid)?.startedSince];
    const least = Math.min(backoff.initial * backoff.factor ** index, backoff.maximum) * 500 - 1;
    if (!hasClockSteps && ended !== undefined && begun !== undefined && begun - ended < least)
      violated(`${name} was tried again after ${begun - ended} ms, and ${least} ms are the least`);
  }
  checkLast(tasks.get(task.id), attempts.at(-1), attempts.length <= retries, mayRetry, name, violated);
}

/** What the last attempt came to is what the task came to, unless the task was ended while it waited for the next one. */
function checkLast(
  record: TaskRecord | undefined,
  last: AttemptRecord | undefined,
  hasRetries: boolean,
  mayRetry: (attempt: AttemptRecord) => boolean,
  name: string,
  violated: (what: string) => void,
): void {
  if (record === undefined || last === undefined) return;
  const isSame = record.status === last.status && record.statusReason?.cause === last.statusReason?.cause && record.ended === last.ended;
  const wasWaiting = hasRetries && mayRetry(last) && (record.status === 'cancelled' || record.statusReason?.cause === 'start_timeout');
  if (!isSame && !wasWaiting) violated(`${name} is ${record.status}, and its last attempt was ${last.status}`);
  if (isSame && record.status === 'failed' && hasRetries && mayRetry(last) && record.cancellation === undefined)
    violated(`${name} failed for ${record.statusReason?.cause} and was not tried again`);
}

/** Why a server stops what runs. */
const STOPPED: ReadonlySet<string> = new Set(['timeout', 'task_cancelled', 'run_cancelled', 'run_timeout']);

function checkAttempt(attempt: AttemptRecord, real: SimulatedTask, { logDirectory, violated }: EndedWorld): void {
  const name = `attempt ${attempt.number} of ${attempt.taskId}`;
  const { exit } = real;
  if (real.isTakenBack) return;
  if (attempt.handle === undefined) return violated(`${name} ran, and its server never heard of it`);
  const code = exit?.kind === 'exited' ? exit.exitCode : undefined;
  if (attempt.status === 'successful' && code !== 0) violated(`${name} is successful, and really ended with ${code}`);
  if (attempt.statusReason?.cause === 'exit_code' && attempt.exitCode !== code)
    violated(`${name} ended with ${attempt.exitCode}, and really with ${code}`);
  const wasStopped = exit?.kind === 'exited' && exit.reason?.startsWith('ended by SIG') === true;
  if (wasStopped && !STOPPED.has(attempt.statusReason?.cause ?? '')) violated(`${name} was stopped, and is said to have ended by itself`);
  checkLog(name, attempt, real, logDirectory, violated);
}

function checkLog(
  name: string,
  { uid, log }: AttemptRecord,
  { chunks, lostSince, brokenSince, overSince }: SimulatedTask,
  logDirectory: string,
  violated: (what: string) => void,
): void {
  if (log === undefined) return violated(`the log of ${name} was never sealed`);
  const mayLack = lostSince !== undefined || (brokenSince !== undefined && brokenSince - (overSince ?? 0) >= LOG_PATIENCE_MS);
  if (!log.complete && !mayLack) violated(`the log of ${name} is not complete: ${log.problem}`);
  const written = Buffer.concat(chunks.map(({ bytes }) => bytes));
  const kept = log.bytes === 0 ? Buffer.alloc(0) : readFileSync(logPaths(logDirectory, uid).data);
  if (kept.length !== log.bytes) violated(`the log of ${name} has ${kept.length} bytes, and its seal says ${log.bytes}`);
  if (log.complete && lostSince === undefined && kept.length !== written.length)
    violated(`the log of ${name} has ${kept.length} of ${written.length} bytes`);
  for (const stream of ['stdout', 'stderr'] as const) {
    const wanted = Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ bytes }) => bytes)).toString();
    const lines = linesOf(kept.toString(), stream);
    if (
      log.complete && lostSince === undefined
        ? lines.join('\n') !== linesOf(wanted, stream).join('\n')
        : !isPrefix(lines, linesOf(wanted, stream))
    )
      violated(`the ${stream} of ${name} is not what was written: ${JSON.stringify({ lines, wanted })}`);
  }
}

/** The last line may have been cut. */
function isPrefix(lines: readonly string[], of: readonly string[]): boolean {
  return lines.every((line, index) => (index === lines.length - 1 ? (of[index] ?? '').startsWith(line) : of[index] === line));
}

function checkTimeout(
  timeoutMs: number,
  { number, taskId }: AttemptRecord,
  { startedSince, overSince }: SimulatedTask,
  world: EndedWorld,
): void {
  const end = overSince ?? Number.POSITIVE_INFINITY;
  const calm = calmTime(startedSince, end, world.disturbances);
  const lives = 1 + world.disturbances.filter(({ from }) => from >= startedSince && from <= end).length;
  const grace = lives * (Math.max(world.stopGraceMs, LONGEST_GRACE_MS) + 1000) + (world.hasSlowCalls ? lives * SLOW_CALLS_MS : 0);
  // Whoever sets the clock back while there is no server gives a task as much time again.
  const allowed = timeoutMs * (world.hasClockSteps ? lives : 1) + grace;
  if (calm > allowed) world.violated(`attempt ${number} of ${taskId} lived for ${calm} ms, and ${allowed} ms are the most`);
}

/** How much of an interval lay outside of all disturbances and of what follows them. */
function calmTime(from: number, to: number, disturbances: readonly Interval[]): number {
  let calm = 0;
  let at = from;
  for (const disturbance of [...disturbances].sort((a, b) => a.from - b.from)) {
    if (disturbance.from > at) calm += Math.max(Math.min(disturbance.from, to) - at, 0);
    at = Math.max(at, disturbance.to + AFTERMATH_MS);
  }
  return calm + Math.max(to - at, 0);
}
