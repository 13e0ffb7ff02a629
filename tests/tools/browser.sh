#!/usr/bin/env bash
# Debian's Chromium, for the tests that look at the pages as people do.
set -euo pipefail
command -v chromium >/dev/null && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  echo "tests: installing Debian's chromium"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
else
  echo "tests: 'chromium' is not on this machine; install it (Debian: apt-get install chromium) and run again" >&2
  exit 1
fi
