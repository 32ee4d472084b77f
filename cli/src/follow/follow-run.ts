import { ERROR_TABLE } from '@gofer/contracts';
import type { LogMessage, Run, TaskExecution } from '@gofer/contracts/api';
import type { GoferContext } from '../gofer-context.ts';
import { describeReason } from '../output/describe-reason.ts';
import type { Colours } from '../output/presentation.ts';
import { toSafeJson, toSafeLine, toSafeLogLine } from '../output/sanitise.ts';
import { formatDuration } from '../output/times.ts';
import { writeFully } from '../output/write-fully.ts';
import { type FollowedRun, RunFollower } from './run-follower.ts';
import { TaskPrefix } from './task-prefix.ts';

/** Shows the logs of all tasks of a run together until it ends, then how it ended; resolves with the exit code that says so. */
export async function followRun(context: GoferContext, run: Run, { follow = true }: { follow?: boolean } = {}): Promise<number> {
  const client = await context.client();
  const { outputFormat, namespace } = await context.settings();
  const { namespace_id, pipeline_id, run_id, pipeline_config_version: version } = run;
  const tell = (text: string) => writeFully(context.stderr, outputFormat === 'plain' ? `${text}\n` : '');
  const colours = context.errorColours;
  const prefixes = new TaskPrefix(
    outputFormat === 'plain' ? await taskIds(context, { namespace_id, pipeline_id, version }) : [],
    context.colours,
  );

  const follower = new RunFollower({
    client,
    path: { namespace_id, pipeline_id, run_id },
    follow,
    together: run.state !== 'complete',
    onLines: async (taskId, lines) => {
      if (outputFormat === 'json') await writeFully(context.stdout, lines.map((line) => renderLineJson(taskId, line)).join(''));
      if (outputFormat === 'plain') await writeFully(context.stdout, renderLines(prefixes.of(toSafeLine(taskId)), lines, context.colours));
    },
    onMissing: (taskId, why) => void tell(`${colours.yellow('!')} no log of ${toSafeLine(taskId)}: ${toSafeLine(why)}`),
    onLost: once(() => void tell(`${colours.yellow('!')} the connection to the server was lost; the run goes on, reconnecting`)),
  });

  const stop = new AbortController();
  const remove = context.onSignal('SIGINT', () => stop.abort());
  const where = `${pipeline_id} ${run_id}${namespace === 'default' ? '' : ` --namespace ${namespace}`}`;
  let followed: FollowedRun;
  try {
    followed = await follower.follow(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    await tell(
      `\nStopped watching; run #${run_id} of ${pipeline_id} goes on.\n  Watch it again: ${colours.cyan(`gofer run logs ${where}`)}\n  Cancel it: ${colours.cyan(`gofer run cancel ${where}`)}`,
    );
    return ERROR_TABLE.CANCELLED.exit;
  } finally {
    remove();
  }

  if (outputFormat === 'json') await writeFully(context.stdout, `${toSafeJson({ run: followed.run, task_executions: followed.tasks })}\n`);
  await tell(renderResult(followed, { colours, now: context.now() }));
  if (!follow && followed.run.state !== 'complete') return 0;
  return followed.run.status === 'successful' || !follow ? 0 : ERROR_TABLE.RUN_FAILED.exit;
}

/** The ids of the run's tasks before they exist, for the width of the prefixes. A config that is gone takes nothing but that. */
async function taskIds(context: GoferContext, path: { namespace_id: string; pipeline_id: string; version: number }): Promise<string[]> {
  try {
    const { config } = await (await context.client()).call('get_config', { path });
    return Object.keys(config.tasks);
  } catch (error) {
    if (error instanceof Error && 'status' in error) return [];
    throw error;
  }
}

function renderLines(prefix: string, lines: LogMessage['lines'], colours: Colours): string {
  return lines.map(({ text }) => `${prefix}${toSafeLogLine(text, { colours: colours.isColorSupported })}\n`).join('');
}

function renderLineJson(taskId: string, { stream, time, text }: LogMessage['lines'][number]): string {
  return `${toSafeJson({ task_id: taskId, stream, time, text })}\n`;
}

function renderResult({ run, tasks }: FollowedRun, { colours, now }: { colours: Colours; now: number }): string {
  const subject = `Run #${run.run_id} of ${toSafeLine(run.pipeline_id)}`;
  if (run.state !== 'complete') return `${colours.cyan('…')} ${subject} is ${run.state}${suffix(describeReason(run))}`;
  const took = `after ${formatDuration(run.started, run.ended, now)}`;
  if (run.status === 'successful') return `${colours.green('✓')} ${subject} was successful ${took}`;
  const verb = run.status === 'cancelled' ? 'was cancelled' : 'failed';
  const notes = tasks.filter(({ status }) => status !== 'successful').map((task) => `  ${renderTaskResult(task)}`);
  return [`${colours.red('x')} ${subject} ${verb} ${took}${suffix(describeReason(run))}`, ...notes].join('\n');
}

/** The reason of a task that ran and failed names its exit code. */
function renderTaskResult(task: TaskExecution): string {
  const verb = task.status === 'failed' ? 'failed' : `was ${task.status}`;
  return `${toSafeLine(task.task_id)} ${verb}${suffix(describeReason(task))}`;
}

function suffix(reason: string): string {
  return reason === '' ? '' : `: ${toSafeLine(reason)}`;
}

/** Several streams lose one connection: one notice is enough. */
function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}
