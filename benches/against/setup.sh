#!/bin/bash
# Installs what handler.py needs into target/tools/against: pinned, checked by hash, once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=${here}/../../target/tools/against
if cmp -s "${here}/requirements.txt" "${venv}/.requirements"; then exit 0; fi
echo "bench: installing a Python function's runtime client into target/tools/against" >&2
mkdir -p "$(dirname "${venv}")"
python3 -m venv --clear "${venv}"
"${venv}/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "${here}/requirements.txt"
cp "${here}/requirements.txt" "${venv}/.requirements"
