import { newPipeline, newTask } from '@gofer/sdk';

const image = 'busybox:latest';

newPipeline('clean-up', 'Clean up after a failure')
  .description(
    'A task fails; what needs its success is skipped, and a task that waits for its failure cleans up. The run as a whole has failed.',
  )
  .tasks(
    newTask('provision', image).description('Succeeds.').command('echo', 'a test environment is up'),
    newTask('integration-test', image)
      .description('Fails on purpose.')
      .dependsOnOne('provision', 'success')
      .script('echo "testing"; echo "assertion failed: 1 is not 2" >&2; exit 3', { shell: 'sh' }),
    newTask('deploy', image)
      .description('Is skipped: it needs the success of the test.')
      .dependsOnOne('integration-test', 'success')
      .command('echo', 'this is never printed'),
    newTask('roll-back', image)
      .description('Runs because the test has failed.')
      .dependsOnOne('integration-test', 'failure')
      .command('echo', 'rolling back'),
    newTask('tear-down', image)
      .description('Runs however the test has ended.')
      .dependsOnOne('integration-test', 'any')
      .command('echo', 'the test environment is down'),
  )
  .finish();
