import { newPipeline, newTask, pipelineObject, pipelineSecret } from '@gofer/sdk';

const image = 'busybox:latest';

// Nobody knows it yet: each task is given what the pipeline's object `version` holds when that task starts.
const version = pipelineObject('version');

newPipeline('artifact', 'Artifact')
  .description('A build and two consumers agree on a version that is kept as an object; one of them needs a secret as well.')
  .tasks(
    newTask('build', image)
      .description('Builds what the object `version` names.')
      .variable('VERSION', version)
      .script('echo "building app-$VERSION.tar"', { shell: 'sh' }),
    newTask('publish', image)
      .description('Has the secret `publish_token`, which its log does not show.')
      .dependsOnOne('build', 'success')
      .variables({ VERSION: version, TOKEN: pipelineSecret('publish_token') })
      .script('echo "publishing app-$VERSION.tar with the token $TOKEN"', { shell: 'sh' }),
    newTask('announce', image)
      .description('Runs beside `publish`, with the same version and without the secret.')
      .dependsOnOne('build', 'success')
      .variable('VERSION', version)
      .script('echo "version $VERSION is out; the token is ${TOKEN:-not mine to know}"', { shell: 'sh' }),
  )
  .finish();
