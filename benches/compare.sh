#!/usr/bin/env bash
# Measures another commit with its own instrument, then this tree, and prints this over that.
set -euo pipefail
base=${1:?usage: make bench-compare BASE=COMMIT}
cd "$(dirname "$0")/.."
there=$(mktemp -d)
trap 'rm -f "$there/target"; git worktree remove --force "$there" 2>/dev/null || true' EXIT
git worktree add --quiet --detach "$there" "$base"
# One folder of builds for both: what they depend on is compiled once.
mkdir -p target && ln -s "$PWD/target" "$there/target"
make -C "$there" bench
make bench
python3 - "$there/bench.json" bench.json <<'PY'
import json
import sys

before, after = ({f["name"]: f for f in json.load(open(path))["figures"]} for path in sys.argv[1:3])
print(f"\n{'figure':<58} {'before':>12} {'after':>12} {'ratio':>8}")
for name, figure in after.items():
    if name in before and before[name]["value"]:
        old, new = before[name]["value"], figure["value"]
        print(f"{name:<58} {old:>12.3f} {new:>12.3f} {new / old:>8.2f}  {figure['unit']}")
PY
