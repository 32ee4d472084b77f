#!/usr/bin/env bash
# Installs what test/fuzz needs into a virtual environment outside of the repository: $GOFER_FUZZ_VENV, or one in the user's cache. Does
# nothing where it is there already. Python 3.11 or later, with its module venv.
set -euo pipefail
requirements=$(cd "$(dirname "$0")" && pwd)/requirements.txt
venv=${GOFER_FUZZ_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/gofer/fuzz-venv}

# The list is copied last: what is there with this list is whole.
cmp -s "$requirements" "$venv/requirements.txt" && exit 0

python3 -m venv "$venv"
for attempt in 1 2 3; do
	if timeout 180 "$venv/bin/pip" install --quiet --disable-pip-version-check --no-input --only-binary :all: \
		--retries 3 --timeout 30 --requirement "$requirements"; then
		cp "$requirements" "$venv/requirements.txt"
		exit 0
	fi
	echo "test/fuzz/install.sh: attempt $attempt of 3 failed" >&2
done
echo "test/fuzz/install.sh: schemathesis could not be installed from PyPI; see above. Without it the API is not fuzzed." >&2
exit 1
