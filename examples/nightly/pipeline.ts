import { newPipeline, newTask } from '@gofer/sdk';

newPipeline('nightly', 'Every night at three')
  .description('Runs by itself: its code subscribes it to the cron extension, and gofer up keeps that subscription as it stands here.')
  .subscribe('cron', 'nightly', { expression: '0 3 * * * *' })
  .tasks(newTask('report', 'busybox:latest').description('Says which run it is.').command('sh', '-c', 'echo "night $GOFER_RUN_ID"'))
  .finish();
