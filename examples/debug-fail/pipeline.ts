import { newPipeline, newTask } from '@gofer/sdk';

newPipeline('debug-fail', 'Debug: failure')
  .description('Fails on purpose: for trying out what happens then. Start it with --variable EXIT_CODE=3 for another code.')
  .tasks(
    newTask('fail', 'busybox:latest')
      .description('As containers/debug/fail.')
      .script('echo "This task fails on purpose, with exit code ${EXIT_CODE:-1}." >&2\nexit "${EXIT_CODE:-1}"', { shell: 'sh' }),
  )
  .finish();
