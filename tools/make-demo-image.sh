#!/usr/bin/env bash
# Makes a real image: a Linux root file system (ext4, 2 GiB) with at least 300 MB of this machine's own files, as qcow2.
#   make-demo-image.sh OUTPUT.qcow2 [qemu-img convert option...]
set -euo pipefail

output="$(realpath "${1:?usage: make-demo-image.sh OUTPUT.qcow2 [qemu-img convert option...]}")"
shift
wanted_bytes=330000000  # of files; over 300 MB whatever a machine's /usr is made of

work="$(mktemp -d "${TMPDIR:-/tmp}/basecache-image.XXXXXX")"
trap 'rm -rf "$work"' EXIT
root="$work/root"
mkdir -p "$root"/{boot,dev,etc,home,proc,root,run,sys,tmp,usr,var/log}
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
printf 'demo\n' >"$root/etc/hostname"
cp /etc/os-release "$root/etc/"

# The first files of /usr by name, until there are enough of them.
cd /
find usr/bin usr/sbin usr/lib usr/share -xdev -type f -size -20M -printf '%s\t%p\0' |
  LC_ALL=C sort -z -t "$(printf '\t')" -k 2 |
  WANTED="$wanted_bytes" python3 -c '
import os, sys
wanted, total = int(os.environ["WANTED"]), 0
for entry in sys.stdin.buffer.read().split(b"\0"):
    size, _, name = entry.partition(b"\t")
    if name and total < wanted:
        total += int(size)
        sys.stdout.buffer.write(name + b"\0")
' | tar --create --file=- --no-recursion --null --files-from=- | tar --extract --directory="$root" --file=-
bytes="$(du --bytes --summarize "$root" | cut -f 1)"
if [ "$bytes" -lt 300000000 ]; then
  echo "make-demo-image.sh: this machine's /usr has only $bytes bytes in files" >&2
  exit 1
fi

truncate --size=2G "$work/root.raw"
mkfs.ext4 -q -F -L demo-root -d "$root" "$work/root.raw"
qemu-img convert -f raw -O qcow2 "$@" "$work/root.raw" "$output.new"
mv "$output.new" "$output"
