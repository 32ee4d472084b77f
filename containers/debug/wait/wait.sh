#!/bin/sh
trap 'echo "Told to stop."; exit 143' TERM INT
WAIT="${WAIT:-10}"
echo "Waiting for $WAIT seconds."
sleep "$WAIT" &
wait $! || exit 2
echo "Done."
