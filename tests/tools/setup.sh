#!/bin/bash
# Installs what the tests drive from Python into target/tools/venv: pinned, checked by hash, once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${here}/../../target/tools/venv
stamp=${venv}/.requirements
if cmp -s "${here}/requirements.txt" "${stamp}"; then exit 0; fi
mkdir -p "$(dirname "${venv}")"
# One at a time: a second caller waits, and then finds it done.
exec {lock}>"${venv}.lock"
flock "${lock}"
if cmp -s "${here}/requirements.txt" "${stamp}"; then exit 0; fi
echo "tests/tools: installing the emulator into target/tools/venv" >&2
python3 -m venv --clear "${venv}"
"${venv}/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "${here}/requirements.txt"
cp "${here}/requirements.txt" "${stamp}"
