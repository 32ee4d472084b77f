import { newPipeline, newTask } from '@gofer/sdk';

newPipeline('debug-envs', 'Debug: environment')
  .description('Prints every environment variable that a task is given.')
  .tasks(
    newTask('envs', 'busybox:latest')
      .description('As containers/debug/envs.')
      .variable('EXAMPLE', 'set by the pipeline')
      .script('env | sort', { shell: 'sh' }),
  )
  .finish();
