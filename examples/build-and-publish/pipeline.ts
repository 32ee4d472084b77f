import { newPipeline, newTask } from '@gofer/sdk';

const image = 'busybox:latest';

// How a task speaks to the API with what any image has. `GOFER_API_TOKEN` is there because the tasks ask for it (`injectApiToken`); the
// others are in every task. A token in the arguments of a program can be read by everyone on the machine, so curl reads it from a file;
// wget has no such way in common with busybox's, whose arguments only its own container sees.
const objects = `
set -eu
umask 077
objects="$GOFER_API_BASE_URL/api/namespaces/$GOFER_NAMESPACE_ID/pipelines/$GOFER_PIPELINE_ID/runs/$GOFER_RUN_ID/objects"
token="Authorization: Bearer $GOFER_API_TOKEN"
version='gofer-api-version: v0'
type='Content-Type: application/octet-stream'
cd "$(mktemp -d)"
printf '%s\\n' "$token" "$version" > headers

put() { # KEY FILE
  if command -v curl > /dev/null; then
    curl --silent --show-error --fail --header @headers --header "$type" --data-binary "@$2" "$objects/$1" > /dev/null
  else
    wget -q -O - --header "$token" --header "$version" --header "$type" --post-file "$2" "$objects/$1" > /dev/null
  fi
}

get() { # KEY, to a file of that name
  if command -v curl > /dev/null; then
    curl --silent --show-error --fail --header @headers "$objects/$1" > "$1"
  else
    wget -q -O "$1" --header "$token" --header "$version" "$objects/$1"
  fi
}
`;

// As text, because busybox's wget ends a body at its first zero byte.
const build = `
printf 'echo "this is the app of run %s"\\n' "$GOFER_RUN_ID" > app.sh
tar -cf - app.sh | gzip > app.tar.gz
sha256sum app.tar.gz > app.sha256
base64 app.tar.gz > app.tar.gz.base64
put app.tar.gz.base64 app.tar.gz.base64
put app.sha256 app.sha256
echo "built app.tar.gz"
`;

const fetchAndCheck = `
get app.tar.gz.base64
get app.sha256
base64 -d app.tar.gz.base64 > app.tar.gz
sha256sum -c app.sha256
`;

newPipeline('build-and-publish', 'Build and publish')
  .description('A task builds an artifact and keeps it as an object of its run; two that wait for it get it from there and check it.')
  .tasks(
    newTask('build', image)
      .description('Puts two objects with POST: the artifact and its checksum.')
      .injectApiToken(true)
      .script(`${objects}${build}`, { shell: 'sh' }),
    newTask('test', image)
      .description('Gets them and runs what was built.')
      .dependsOnOne('build', 'success')
      .injectApiToken(true)
      .script(`${objects}${fetchAndCheck}gzip -dc app.tar.gz | tar -xf -\nsh app.sh`, { shell: 'sh' }),
    newTask('publish', image)
      .description('Gets them as well, beside `test`.')
      .dependsOnOne('build', 'success')
      .injectApiToken(true)
      .script(`${objects}${fetchAndCheck}echo "publishing $(cut -c 1-12 app.sha256) of run $GOFER_RUN_ID"`, { shell: 'sh' }),
  )
  .finish();
