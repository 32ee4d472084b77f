import { newPipeline, newTask } from '@gofer/sdk';

// The shell waits for a child in the background because it would hear no signal while one runs in the foreground.
const script = `
trap 'echo "Told to stop."; exit 143' TERM INT
WAIT="\${WAIT:-10}"
echo "Waiting for $WAIT seconds."
sleep "$WAIT" &
wait $! || exit 2
echo "Done."
`;

newPipeline('debug-wait', 'Debug: wait')
  .description('Waits for a while and then succeeds: start it with --variable WAIT=30 for another time.')
  .tasks(newTask('wait', 'busybox:latest').description('As containers/debug/wait.').script(script, { shell: 'sh' }))
  .finish();
