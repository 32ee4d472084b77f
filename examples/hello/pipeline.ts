import { newPipeline, newTask } from '@gofer/sdk';

newPipeline('hello', 'Hello')
  .description('One task that says hello: the smallest pipeline there is.')
  .tasks(newTask('hello', 'busybox:latest').description('Prints a greeting and exits.').command('echo', 'Hello from Gofer!'))
  .finish();
