#!/usr/bin/env bash
# Measures basecache beside the commands that do the same and beside Nova's own code, and prints medians, ratios and what
# of the requirements is reached: bench.sh [--quick] [--rounds N] [--only NAME] [--file-system NAME] [--json FILE]
# [--scratch DIRECTORY]; tests/bench/bench.py tells more. All of it takes hours; --quick, some minutes, shows that it works.
# What it is measured against beyond plain commands (Glance, Nova): tools/install-packages.sh peers.
#
#   sudo ./tools/bench.sh --quick
set -euo pipefail
cd "$(dirname "$0")/.."

./tools/install-packages.sh bench
[ -f build/build.ninja ] || meson setup build >/dev/null
ninja -C build --quiet agent/basecached tools/basecache/basecache tools/basecache-qemu-hook/basecache-qemu-hook tests/bench/inspector_bench
case " $* " in
  *" --quick "* | *" --only "*) ;;
  *) ./build/tests/bench/inspector_bench --benchmark_min_time=0.5 ;;
esac
exec python3 tests/bench/bench.py "$@"
