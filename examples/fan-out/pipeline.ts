import { newPipeline, newTask } from '@gofer/sdk';

const image = 'busybox:latest';
const WIDTH = 50;

// A pipeline is a program: tasks come from loops, functions, files, whatever the language has.
const workers = Array.from({ length: WIDTH }, (_, index) =>
  newTask(`part-${index + 1}`, image)
    .description(`Part ${index + 1} of ${WIDTH}.`)
    .dependsOnOne('split', 'success')
    .variable('PART', String(index + 1))
    .script('echo "working on part $PART"', { shell: 'sh' }),
);

newPipeline('fan-out', 'Fan out')
  .description(`One task splits the work, ${WIDTH} do a part each, and one joins the results.`)
  .tasks(
    newTask('split', image).description('Splits the work.').command('echo', `splitting the work into ${WIDTH} parts`),
    ...workers,
    newTask('join', image)
      .description('Runs when every part is done.')
      .dependsOn(Object.fromEntries(workers.map(({ id }) => [id, 'success'])))
      .command('echo', `joined ${WIDTH} parts`),
  )
  .finish();
