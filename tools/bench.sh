#!/usr/bin/env bash
# Measures basecache beside the commands that do the same, and prints the ratios: bench.sh [--rounds N] [--json FILE].
#
#   sudo ./tools/bench.sh
set -euo pipefail
cd "$(dirname "$0")/.."

./tools/install-packages.sh bench
[ -f build/build.ninja ] || meson setup build >/dev/null
ninja -C build --quiet agent/basecached tools/basecache/basecache tests/bench/inspector_bench
mkdir -p build/demo
[ -f build/demo/image.qcow2 ] || ./tools/make-demo-image.sh build/demo/image.qcow2
[ -f build/demo/image-zlib.qcow2 ] || ./tools/make-demo-image.sh build/demo/image-zlib.qcow2 -c
./build/tests/bench/inspector_bench --benchmark_min_time=0.5
exec python3 tests/bench/bench.py "$@" build/demo/image.qcow2 build/demo/image-zlib.qcow2
