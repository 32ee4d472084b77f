import { newPipeline, newTask } from '@gofer/sdk';

const image = 'busybox:latest';

newPipeline('retries', 'Retries, a time limit and a clean-up')
  .description(
    'A task fails twice and succeeds at its third attempt; a task after it may take a minute at most; the last cleans up, however the run ends.',
  )
  .tasks(
    newTask('flaky', image)
      .description('Fails until its third attempt.')
      .timeout('1m')
      .retries(4, { on: [75, 'infrastructure', 'timeout'], backoff: { initial: '200ms', maximum: '5s' } })
      .script(
        'echo "attempt $GOFER_RUN_ATTEMPT"; if [ "$GOFER_RUN_ATTEMPT" -lt 3 ]; then echo "not yet" >&2; exit 75; fi; echo "it works"',
        {
          shell: 'sh',
        },
      ),
    newTask('publish', image)
      .description('Has a minute for each attempt, and needs no other.')
      .dependsOnOne('flaky', 'success')
      .timeout('1m')
      .command('echo', 'published'),
    newTask('tear-down', image)
      .description('Runs however the others have ended, and after the cancellation of the run too.')
      .dependsOn({ flaky: 'any', publish: 'any' })
      .always()
      .command('echo', 'the test environment is down'),
  )
  .finish();
