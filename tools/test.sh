#!/usr/bin/env bash
# Everything that proves basecache, on a fresh Debian 12: installs what it needs, builds with g++ and clang++
# (warnings are errors), runs lint, unit, functional and fault tests, those with real OpenStack, Ceph, LVM and
# libvirt and with a guest that starts from our disks (a Debian, made once of the machine's package sources), and the unit tests again under
# ASan+UBSan and under TSan. Ends with one summary; its last line is 'N passed, N failed, N skipped'.
#
#   sudo ./tools/test.sh        (or from a root shell; without root the packages must be there and some tests skip)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

jobs="$(nproc)"
failed_steps=()
logs=()
started=$SECONDS

say() { printf '\n== %s (%d s)\n' "$*" "$((SECONDS - started))"; }

# configure DIRECTORY MESON-OPTION...: once; Ninja reconfigures by itself after that.
configure() {
  local directory="$1"
  shift
  [ -f "$directory/build.ninja" ] || meson setup "$directory" "$@" >/dev/null
}

# build LABEL DIRECTORY TARGET...
build() {
  local label="$1" directory="$2"
  shift 2
  say "build: $label"
  if ! ninja -C "$directory" -j "$jobs" --quiet "$@"; then
    failed_steps+=("build: $label")
    return 1
  fi
}

# run_suite LABEL DIRECTORY SUITE MESON-TEST-OPTION...: builds what the suite needs and no more.
run_suite() {
  local label="$1" directory="$2" suite="$3" log
  shift 3
  log="$directory/meson-logs/summary-$suite.json"
  rm -f "$log"
  say "test: $label"
  meson test -C "$directory" --suite "$suite" --logbase "summary-$suite" --num-processes "$jobs" \
    --print-errorlogs "$@"
  logs+=("$label=$log")
}

# Each target for a minute; tools/fuzz.sh goes on for as long as asked.
run_fuzzers() {
  say "test: fuzz"
  ./tools/fuzz.sh 60 || failed_steps+=("test: fuzz")
}

main() {
  ./tools/install-packages.sh test peers lvm guest libvirt || exit 1

  configure build && build "g++, everything" build &&
    for suite in lint unit functional fault peers lvm guest libvirt; do run_suite "$suite" build "$suite"; done

  # -O1: half the compile time of -O2. By clang++, whose fuzzers live in the same directory.
  CXX=clang++ configure build-asan -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 -Dfuzzers=true &&
    run_suite "unit (ASan+UBSan)" build-asan unit --timeout-multiplier 5 && run_fuzzers

  # The same directory shows that clang++ compiles everything without a warning.
  CXX=clang++ configure build-tsan -Db_sanitize=thread -Db_lundef=false -Doptimization=1 &&
    build "clang++, everything, TSan" build-tsan &&
    run_suite "unit (TSan)" build-tsan unit --timeout-multiplier 5

  say "done"
  ./tests/summary.py "${failed_steps[@]/#/--failed=}" "${logs[@]}"
}

export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
main
