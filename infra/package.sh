#!/usr/bin/env bash
# Builds what is deployed: target/lambda/{bootstrap,console}-{arm64,x86_64}.zip, bootstrap.zip and
# console.zip (copies of those named by ARCH), their checksums, and the list of what is inside (CycloneDX).
# Reproducible: the same commit and toolchain give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
ARCH=${ARCH:-arm64}
tools=target/tools/lambda
out=target/lambda
mkdir -p "$out"

if [ ! -x "$tools/bin/cargo-lambda" ]; then
  echo "package: installing cargo-lambda and zig into $tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet cargo-lambda==1.9.2 ziglang==0.17.0
fi
rustup target list --installed 2>/dev/null | grep -q '^aarch64-unknown-linux-gnu$' || rustup target add aarch64-unknown-linux-gnu

# Else the cryptographic library gathers its own entropy at the first TLS connection: 40 ms of a cold start.
export AWS_LC_SYS_NO_JITTER_ENTROPY=1
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export PATH="$PWD/$tools/bin:$PATH" RUSTFLAGS="--remap-path-prefix=$PWD=/src --remap-path-prefix=$HOME=/home"
for arch in arm64 x86_64; do
  flag=--x86-64; [ "$arch" = arm64 ] && flag=--arm64
  echo "package: building bootstrap for $arch (several minutes the first time)"
  cargo lambda build --locked --profile lambda $flag --no-default-features --bin bootstrap --lambda-dir "$out/$arch"
  python3 infra/zip.py "$out/$arch/bootstrap/bootstrap" "$out/bootstrap-$arch.zip"
  # The console is the command line's own binary with the pages in it.
  cargo lambda build --locked --profile lambda $flag --bin tieline --lambda-dir "$out/$arch"
  python3 infra/zip.py "$out/$arch/tieline/bootstrap" "$out/console-$arch.zip"
done
cp "$out/bootstrap-$ARCH.zip" "$out/bootstrap.zip"
cp "$out/console-$ARCH.zip" "$out/console.zip"
cargo metadata --locked --format-version 1 --no-default-features --filter-platform aarch64-unknown-linux-gnu \
  | python3 infra/sbom.py > "$out/sbom.json"
(cd "$out" && sha256sum bootstrap-*.zip bootstrap.zip console-*.zip console.zip sbom.json | tee SHA256SUMS)
