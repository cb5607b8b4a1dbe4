#!/usr/bin/env bash
# Installs the Debian packages that basecache needs, those that are missing only:
#   install-packages.sh [--list] run|build|demo|bench|test|peers|lvm|guest|libvirt...
# Groups include one another: build has run, demo and test have build, bench has demo. peers are the real services that tests talk to
# (OpenStack, Ceph): tests start their own, so what is installed isn't started. lvm is for the tests with real LVM, with what
# boots a guest for them where this kernel has no device-mapper. guest is for a guest that starts from disks of ours, libvirt for
# domains of a real libvirtd, which tests start themselves.
set -euo pipefail

run=(ca-certificates dosfstools e2fsprogs qemu-utils util-linux)
build=("${run[@]}" cmake comerr-dev g++ libboost-dev libboost-filesystem-dev libcli11-dev libcrypt-dev libcurl4-openssl-dev
  libdeflate-dev libext2fs-dev libfmt-dev libisofs-dev libpugixml-dev libseccomp-dev libspdlog-dev libssl-dev libvirt-dev libxxhash-dev libyaml-cpp-dev
  libzstd-dev meson ninja-build nlohmann-json3-dev pkg-config python3 doctest-dev zlib1g-dev)
demo=("${build[@]}" curl xorriso)
bench=("${demo[@]}" genisoimage libbenchmark-dev nginx-light openssl python3-nova xfsprogs)
test=("${demo[@]}" btrfs-progs bzip2 ccache clang clang-format-14 cron fdisk libclang-rt-14-dev libguestfs-tools libvirt-clients libxml2-utils lz4 mtools ntfs-3g openssl procps
  shellcheck strace systemd universal-ctags xfsprogs xz-utils zstd)
peers=(ceph-common ceph-mon ceph-osd cloud-init glance-api glance-common keystone mtools python3-nova python3-openstackclient radosgw
  uwsgi-plugin-python3 xorriso)
lvm=(busybox-static cpio cryptsetup-bin kmod linux-image-cloud-amd64 lvm2 qemu-system-common qemu-system-x86
  thin-provisioning-tools)
guest=(busybox-static cpio fdisk kmod linux-image-cloud-amd64 mmdebstrap qemu-system-x86)
libvirt=(busybox-static cpio kmod libvirt-clients libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system linux-image-cloud-amd64
  qemu-system-x86)

wanted_packages() {
  local group
  for group in "$@"; do
    case "$group" in
      run) printf '%s\n' "${run[@]}" ;;
      build) printf '%s\n' "${build[@]}" ;;
      demo) printf '%s\n' "${demo[@]}" ;;
      bench) printf '%s\n' "${bench[@]}" ;;
      test) printf '%s\n' "${test[@]}" ;;
      peers) printf '%s\n' "${peers[@]}" ;;
      lvm) printf '%s\n' "${lvm[@]}" ;;
      guest) printf '%s\n' "${guest[@]}" ;;
      libvirt) printf '%s\n' "${libvirt[@]}" ;;
      *)
        echo "install-packages.sh: unknown group '$group'; there are run, build, demo, bench, test, peers, lvm, guest, libvirt" >&2
        exit 2
        ;;
    esac
  done | sort -u
}

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_packages() {
  local package
  for package in "$@"; do
    is_installed "$package" || printf '%s\n' "$package"
  done
}

# Debian's packages ask policy-rc.d before they start their services; 101 is "no". The machine's own one stays.
forbid_service_starts() {
  local policy=/usr/sbin/policy-rc.d
  if (set -o noclobber && printf '#!/bin/sh\nexit 101\n' >"$policy") 2>/dev/null; then
    own_policy="$policy"
    chmod 755 "$policy"
  fi
}

list_only=no
if [ "${1:-}" = --list ]; then
  list_only=yes
  shift
fi
[ $# -gt 0 ] || set -- build
wanted="$(wanted_packages "$@")"
mapfile -t wanted <<<"$wanted"
if [ "$list_only" = yes ]; then
  printf '%s\n' "${wanted[@]}"
  exit 0
fi

mapfile -t missing < <(missing_packages "${wanted[@]}")
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "install-packages.sh: ${#missing[@]} packages are missing (${missing[*]}): run it with sudo or from a root shell" >&2
  exit 1
fi

echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log="$(mktemp)"
own_policy=
trap 'rm -f "$log" $own_policy' EXIT
forbid_service_starts
if ! { apt-get update && apt-get install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  echo "install-packages.sh: apt-get failed (above): check the machine's package sources and its network" >&2
  exit 1
fi
