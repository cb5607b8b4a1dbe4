#!/usr/bin/env bash
# guest_init.sh COMMAND...: the guest's first process once it has its root (lvm_guest.py). Runs the command, whose output
# and exit code leave by the ports "output" and "result", and ends the guest.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C BASECACHE_LVM_GUEST=1

# port NAME: its device; what udev would have linked.
port() {
  local name
  for name in /sys/class/virtio-ports/*/name; do
    if [ "$(<"$name")" = "$1" ]; then
      name="${name%/name}"
      echo "/dev/${name##*/}"
    fi
  done
}

# What this machine has there belongs to its own processes.
for place in /run /var/tmp /dev/shm; do
  mkdir -p "$place"
  mount -t tmpfs -o mode=1777 tmpfs "$place"
done
mkdir -p /run/lock/lvm /run/lvm /run/test
export TMPDIR=/run/test
ln -sfn /proc/self/fd /dev/fd
modprobe -a virtio_blk loop dm-mod
[ -e /dev/mapper/control ] || dmsetup mknodes
# No udev here: LVM makes the links to its volumes by itself.
printf 'activation { udev_sync=0 udev_rules=0 }\ndevices { obtain_device_list_from_udev=0 use_devicesfile=0 }\n' \
  >/etc/lvm/lvmlocal.conf

"$@" >"$(port output)" 2>&1 </dev/null
echo $? >"$(port result)"
sync
echo o >/proc/sysrq-trigger
# The first process must not end before the guest does.
exec tail -f /dev/null
