#!/usr/bin/env bash
# Builds what is deployed, into target/lambda:
#   bootstrap-{arm64,x86_64}.zip   the functions sfInvokeAPI, worker and events
#   console-{arm64,x86_64}.zip     the console: `tieline` itself with its pages
#   bootstrap.zip, console.zip     copies of those named by ARCH, which the template deploys
#   poller/                        what infra/Dockerfile makes an image of
#   *.cdx.json                     what is inside of each (CycloneDX)
#   SHA256SUMS                     checksums of all these
# Reproducible: the same commit and toolchain give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
ARCH=${ARCH:-arm64}
tools=target/tools/lambda
out=target/lambda
mkdir -p "$out/poller"

if ! cmp -s infra/requirements.txt "$tools/.requirements"; then
  echo "package: installing cargo-lambda and zig into $tools"
  python3 -m venv --clear "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r infra/requirements.txt
  cp infra/requirements.txt "$tools/.requirements"
fi
rustup target list --installed 2>/dev/null | grep -q '^aarch64-unknown-linux-gnu$' || rustup target add aarch64-unknown-linux-gnu

# Else the cryptographic library gathers its own entropy at the first TLS connection: 40 ms of a cold start.
export AWS_LC_SYS_NO_JITTER_ENTROPY=1
export SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export PATH="$PWD/$tools/bin:$PATH" RUSTFLAGS="--remap-path-prefix=$PWD=/src --remap-path-prefix=$HOME=/home"
for arch in arm64 x86_64; do
  flag=--x86-64 container=amd64
  [ "$arch" = arm64 ] && flag=--arm64 container=arm64
  echo "package: building for $arch (several minutes the first time)"
  cargo lambda build --locked --profile lambda $flag --no-default-features --bin bootstrap --lambda-dir "$out/$arch"
  python3 infra/zip.py "$out/$arch/bootstrap/bootstrap" "$out/bootstrap-$arch.zip"
  cargo lambda build --locked --profile lambda $flag --bin tieline --lambda-dir "$out/$arch"
  python3 infra/zip.py "$out/$arch/tieline/bootstrap" "$out/console-$arch.zip"
  install -m 755 "$out/$arch/tieline/bootstrap" "$out/poller/tieline-$container"
done
cp "$out/bootstrap-$ARCH.zip" "$out/bootstrap.zip"
cp "$out/console-$ARCH.zip" "$out/console.zip"

contents() { # the name of what is described, and how it is built
  cargo metadata --locked --format-version 1 --filter-platform aarch64-unknown-linux-gnu "${@:2}" \
    | python3 infra/sbom.py "$(rustc --version)" > "$out/$1.cdx.json"
}
contents bootstrap --no-default-features
contents tieline
(cd "$out" && sha256sum ./*.zip poller/tieline-* ./*.cdx.json | tee SHA256SUMS)
