/** Time limits, retries and concurrency in short words, durations as pipelines write them: "timeout 10m", "3 retries on failure, 75". */
import type { PipelineConfig, Task } from '@gofer/contracts/api';

type RetryFields = Pick<Task, 'retries' | 'retry_on' | 'retry_backoff'>;
export type TaskFields = RetryFields & Pick<Task, 'timeout' | 'start_timeout' | 'always'>;
export type PipelineFields = RetryFields & Pick<PipelineConfig, 'timeout' | 'start_timeout' | 'concurrency'>;

/** One entry for each that is set. */
export function describeTaskReliability(task: TaskFields): readonly string[] {
  return [
    ...(task.timeout === undefined ? [] : [`timeout ${formatSeconds(task.timeout)}`]),
    ...(task.start_timeout === undefined ? [] : [`starts within ${formatSeconds(task.start_timeout)}`]),
    ...describeRetries(task),
    ...(task.always === true ? ['always runs'] : []),
  ];
}

/** One line for each that is set. */
export function describePipelineReliability(config: PipelineFields): readonly string[] {
  const retries = describeRetries(config).join(', ');
  return [
    ...(config.concurrency === undefined ? [] : [`When that many run: ${describeConcurrency(config.concurrency)}`]),
    ...(config.timeout === undefined ? [] : [`Timeout of a run: ${formatSeconds(config.timeout)}`]),
    ...(config.start_timeout === undefined ? [] : [`A run begins within: ${formatSeconds(config.start_timeout)}`]),
    ...(retries === '' ? [] : [`Each task, unless it says its own: ${retries}`]),
  ];
}

function describeConcurrency(concurrency: NonNullable<PipelineConfig['concurrency']>): string {
  switch (concurrency) {
    case 'queue':
      return 'further runs wait';
    case 'cancel_oldest':
      return 'the oldest is cancelled';
    case 'cancel_newest':
      return 'the newest is cancelled';
  }
}

function describeRetries({ retries, retry_on: causes, retry_backoff: backoff }: RetryFields): readonly string[] {
  const on = causes === undefined ? '' : ` on ${causes.join(', ')}`;
  const count = retries === undefined ? 'retries' : `${retries} ${retries === 1 ? 'retry' : 'retries'}`;
  const pauses = backoff === undefined ? [] : describeBackoff(backoff);
  return [
    ...(retries === undefined && causes === undefined ? [] : [`${count}${on}`]),
    ...(pauses.length === 0 ? [] : [`pauses ${pauses.join(' ')}`]),
  ];
}

function describeBackoff({ initial, maximum, factor }: NonNullable<Task['retry_backoff']>): readonly string[] {
  return [
    ...(initial === undefined ? [] : [`from ${formatSeconds(initial)}`]),
    ...(maximum === undefined ? [] : [`up to ${formatSeconds(maximum)}`]),
    ...(factor === undefined ? [] : [`×${factor}`]),
  ];
}

/** "90.5s" is "1m30.5s", 7200 "2h". */
function formatSeconds(total: number): string {
  const hours = Math.floor(total / 3_600);
  const minutes = Math.floor((total % 3_600) / 60);
  // Without the noise of a fraction that has no binary form.
  const seconds = Number((total % 60).toFixed(3));
  const parts = [
    ...(hours === 0 ? [] : [`${hours}h`]),
    ...(minutes === 0 ? [] : [`${minutes}m`]),
    ...(seconds === 0 && total >= 60 ? [] : [`${seconds}s`]),
  ];
  return parts.join('');
}
