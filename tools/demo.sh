#!/usr/bin/env bash
# The main job of basecache, on a fresh Debian 12 with no outside service: makes a real image, serves it, creates one
# instance cold and one warm, checks every disk with tools that aren't ours, prunes, and leaves nothing behind but
# build/ (which makes the next run quick).
#
#   sudo ./tools/demo.sh        (or from a root shell; without root when the packages are there)
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:/usr/sbin:/sbin"

readonly IMAGE="$PWD/build/demo/image.qcow2"
readonly GIB=$((1 << 30)) MIB=$((1 << 20))
started=$SECONDS
scratch=""
children=()

say() { printf '\n\033[1m== %s\033[0m (%d s)\n' "$*" "$((SECONDS - started))"; }
shown() { printf '$ %s\n' "${*//$scratch/\$scratch}"; }
fail() {
  printf 'demo.sh: %s\n' "$*" >&2
  exit 1
}

clean_up() {
  local child
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  for child in "${children[@]}"; do wait "$child" 2>/dev/null || true; done
  [ -z "$scratch" ] || rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# wait_for FILE PATTERN CHILD: until the child has written a line like that; the line.
wait_for() {
  local line=""
  while ! line="$(grep -m 1 -E "$2" "$1")"; do
    kill -0 "$3" 2>/dev/null || fail "it ended before it was ready: $(cat "$1")"
    read -r -t 0.05 <> <(:) || true
  done
  printf '%s\n' "$line"
}

build() {
  say "building"
  [ -f build/build.ninja ] || meson setup build >/dev/null
  ninja -C build --quiet agent/basecached tools/basecache/basecache
}

make_image() {
  if [ ! -f "$IMAGE" ]; then
    say "making an image of this machine's own files"
    mkdir -p "$(dirname "$IMAGE")"
    ./tools/make-demo-image.sh "$IMAGE"
  fi
  say "the image"
  qemu-img info -f qcow2 "$IMAGE" | head -n 4
}

start_server() {
  python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$(dirname "$IMAGE")" >"$scratch/server.log" 2>&1 &
  children+=($!)
  local line
  line="$(wait_for "$scratch/server.log" 'port [0-9]+' $!)"
  [[ "$line" =~ port\ ([0-9]+) ]]
  http_url="http://127.0.0.1:${BASH_REMATCH[1]}/$(basename "$IMAGE")"
  file_url="file://$IMAGE"
}

start_agent() {
  mkdir -p "$scratch/instances" "$scratch/registry"
  cat >"$scratch/basecache.conf" <<CONF
[DEFAULT]
instances_path = $scratch/instances

[basecache]
socket = $scratch/agent.sock
registry_directory = $scratch/registry
domains = none
file_url_directories = $(dirname "$IMAGE")
CONF
  build/agent/basecached --config "$scratch/basecache.conf" 2>"$scratch/agent.log" &
  agent=$!
  children+=("$agent")
  wait_for "$scratch/agent.log" 'event=ready' "$agent"
}

basecache() {
  shown basecache "$@"
  build/tools/basecache/basecache --socket "$scratch/agent.sock" "$@"
}

# create UUID IMAGE-REF: root 4 GiB, ephemeral 1 GiB, swap 256 MiB, config drive.
create() {
  cat >"$scratch/$1.json" <<SPEC
{
  "uuid": "$1", "name": "demo", "image_ref": "$2", "os_type": "linux",
  "flavor": {"root_gb": 4, "ephemeral_gb": 1, "swap": 256},
  "config_drive": true, "metadata": {"made-by": "demo"}
}
SPEC
  basecache create --spec "$scratch/$1.json"
}

# check DESCRIPTION COMMAND...: runs it and says what it showed; its output only when it fails.
check() {
  local what="$1" output
  shift
  if ! output="$("$@" 2>&1)"; then
    printf '%s\n' "$output" >&2
    fail "$what: '$*' failed"
  fi
  printf '  ok  %s\n' "$what"
}

# is EXPECTED COMMAND...: its output is exactly that.
is() {
  local expected="$1" actual
  shift
  actual="$("$@")" || return 1
  [ "$actual" = "$expected" ] || {
    printf "'%s' instead of '%s'\n" "$actual" "$expected"
    return 1
  }
}

virtual_size() { qemu-img info --output=json -f qcow2 "$1" | python3 -c 'import json,sys; print(json.load(sys.stdin)["virtual-size"])'; }

check_disks() {
  local folder="$scratch/instances/$1" name
  for name in disk disk.local disk.swap; do
    check "$name is sound (qemu-img check)" qemu-img check -q -f qcow2 "$folder/$name"
  done
  check "disk is 4 GiB (qemu-img info)" is $((4 * GIB)) virtual_size "$folder/disk"
  check "disk.local is 1 GiB" is "$GIB" virtual_size "$folder/disk.local"
  check "disk.swap is 256 MiB" is $((256 * MIB)) virtual_size "$folder/disk.swap"
  check "disk holds the image (qemu-img compare)" qemu-img compare -q -f qcow2 -F qcow2 "$IMAGE" "$folder/disk"
  qemu-img convert -f qcow2 -O raw "$folder/disk.local" "$scratch/ephemeral.raw"
  qemu-img convert -f qcow2 -O raw "$folder/disk.swap" "$scratch/swap.raw"
  check "disk.local is a clean ext4 (e2fsck)" e2fsck -fn "$scratch/ephemeral.raw"
  check "disk.swap is swap space (blkid)" is swap blkid -p -s TYPE -o value "$scratch/swap.raw"
  check "disk.config is labelled config-2 (blkid)" is config-2 blkid -p -s LABEL -o value "$folder/disk.config"
  xorriso -osirrox on -indev "$folder/disk.config" -extract /openstack/latest/meta_data.json "$scratch/meta.json" 2>/dev/null
  check "disk.config names the instance (xorriso)" grep -q "\"$1\"" "$scratch/meta.json"
  rm -f "$scratch/ephemeral.raw" "$scratch/swap.raw" "$scratch/meta.json"
}

main() {
  ./tools/install-packages.sh demo
  build
  make_image
  scratch="$(mktemp -d "${TMPDIR:-/tmp}/basecache-demo.XXXXXX")"
  say "starting basecached and a web server"
  start_server
  start_agent

  local cold=11111111-1111-4111-8111-111111111111 warm=22222222-2222-4222-8222-222222222222
  say "a first instance: the image is fetched and made raw"
  create "$cold" "$http_url"
  check_disks "$cold"
  say "a second instance: everything is there already"
  create "$warm" "$http_url"
  check_disks "$warm"
  check "the image was fetched once" is 1 grep -c 'GET .* 200 ' "$scratch/server.log"
  say "the same image from a file"
  basecache cache precache "$file_url"
  basecache cache list

  say "pruning: what is used stays, what isn't goes once it is old enough"
  basecache cache prune --dry-run
  basecache delete "$cold"
  basecache delete "$warm"
  find "$scratch/instances/_base" -maxdepth 1 -type f -exec touch --date '2 days ago' {} +
  basecache cache prune
  check "no base file is left" is "" find "$scratch/instances/_base" -maxdepth 1 -type f

  say "ending"
  kill "$agent"
  wait "$agent" || fail "basecached ended badly: $(tail -n 5 "$scratch/agent.log")"
  printf '\nall of it worked, in %d s; nothing is running, what remains is build/\n' "$((SECONDS - started))"
}

main
