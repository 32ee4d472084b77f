import { newPipeline, newTask } from '@gofer/sdk';

const image = 'busybox:latest';

/** Prints a few lines with a pause between them, so that there is something to watch. */
const work = (...steps: string[]): string => steps.map((step) => `echo "${step}"; sleep 0.3`).join('\n');

newPipeline('diamond', 'Diamond')
  .description('Four tasks in the shape of a diamond: two of them run at the same time.')
  .tasks(
    newTask('fetch', image).description('Runs first.').script(work('fetching the sources', 'fetched 42 files'), { shell: 'sh' }),
    newTask('build', image)
      .description('Runs beside `test`, once `fetch` has succeeded.')
      .dependsOnOne('fetch', 'success')
      .variable('TARGET', 'release')
      .script(work('building for $TARGET', 'compiling', 'linking', 'built'), { shell: 'sh' }),
    newTask('test', image)
      .description('Runs beside `build`, once `fetch` has succeeded.')
      .dependsOnOne('fetch', 'success')
      .script(work('running 3 tests', 'test 1: ok', 'test 2: ok', 'test 3: ok'), { shell: 'sh' }),
    newTask('publish', image)
      .description('Runs when both have succeeded.')
      .dependsOn({ build: 'success', test: 'success' })
      .script(work('publishing run $GOFER_RUN_ID of $GOFER_PIPELINE_ID', 'done'), { shell: 'sh' }),
  )
  .finish();
