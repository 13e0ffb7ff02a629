#!/bin/bash
# Installs the real clients into target/tools/clients: pinned, checked by hash, once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
into=${here}/../../target/tools/clients
wanted=$(cat "${here}/requirements.txt" "${here}/package-lock.json" | sha256sum)
mkdir -p "${into}"
# One at a time: a second caller waits, and then finds it done.
exec {lock}>"${into}/.lock"
flock "${lock}"
if [ "$(cat "${into}/.installed" 2>/dev/null)" = "${wanted}" ]; then exit 0; fi
echo "tests/clients: installing jsforce and simple-salesforce into target/tools/clients" >&2
rm -f "${into}/.installed"
cp "${here}/package.json" "${here}/package-lock.json" "${into}/"
(cd "${into}" && npm ci --silent --ignore-scripts --no-audit --no-fund)
python3 -m venv --clear "${into}/venv"
"${into}/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "${here}/requirements.txt"
echo "${wanted}" > "${into}/.installed"
