#!/usr/bin/env bash
# Feeds the libFuzzer targets for so many seconds each (default 60), beginning with the corpora in the tree:
#
#   ./tools/fuzz.sh [SECONDS] [TARGET...]
#
# A crash is left in build-asan/fuzz/ and ends it with an error; what is found new beside it is kept there too. Minimised, a
# crash becomes a file of tests/fuzz/corpus/<target> (and a case of the unit tests).
set -euo pipefail
cd "$(dirname "$0")/.."

seconds="${1:-60}"
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(decoder drive ext inspector request)

directory=build-asan
[ -f "$directory/build.ninja" ] ||
  CXX=clang++ meson setup "$directory" -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 -Dfuzzers=true >/dev/null
ninja -C "$directory" --quiet "${targets[@]/#/tests/fuzz/fuzz_}"

# Side by side, each with what it says in a file of its own; ends the others when it is ended itself.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
for target in "${targets[@]}"; do
  found="$directory/fuzz/$target"
  mkdir -p "$found"
  "$directory/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=1024 -max_len=1048576 \
    -print_final_stats=1 -print_funcs=0 -verbosity=0 -artifact_prefix="$found/crash-" "$found" "tests/fuzz/corpus/$target" \
    >"$directory/fuzz/$target.log" 2>&1 &
done
status=0
for target in "${targets[@]}"; do
  wait -n || status=1
done
for target in "${targets[@]}"; do
  printf '%s:\n' "$target"
  tail -n 60 "$directory/fuzz/$target.log"
done
exit $status
