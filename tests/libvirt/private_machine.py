"""A machine within the machine, for tests that need a libvirtd of their own: the same programs and files, but its own processes,
/etc, /run and libvirt's folders, and no KVM. All of it goes with its first process: guests and daemons too, also when a test is killed.

A test file ends with

    if __name__ == "__main__":
        private_machine.run_stories()

which starts the file again inside, as root (there it is unittest.main), or ends with 77 and says what is missing here
(Meson counts that as skipped). Several can be there at once. No network is needed, and the machine's own libvirt isn't touched.
"""

import os
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from requirements import Missing, require

SKIPPED = 77
OUTSIDE = "BASECACHE_OUTER_MOUNTS"  # names the mount namespace that the test was started in
# libvirtd asks QEMU for what it can do, which takes seconds, and remembers it here until QEMU or libvirt is another.
CACHE = Path(os.environ.get("BASECACHE_LIBVIRT_CACHE", Path(__file__).resolve().parents[2] / "build/tests/libvirt/cache"))
# Each begins empty; a story empties them again.
LIBVIRT_FOLDERS = (Path("/etc/libvirt"), Path("/run/libvirt"), Path("/var/lib/libvirt"), Path("/var/log/libvirt"))
APPARMOR_PROFILES = Path("/sys/kernel/security/apparmor/profiles")
USER, USER_ID = "basecache-user", 62017  # nobody's on Debian


def run_stories() -> None:
    if is_inside():
        run_inside()
    try:
        check_machine()
    except Missing as missing:
        print(f"skipped: {missing}")
        sys.exit(SKIPPED)
    os.environ[OUTSIDE] = mount_namespace()
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
                          sys.executable, *sys.argv])


def is_inside() -> bool:
    return os.environ.get(OUTSIDE, mount_namespace()) != mount_namespace()


def mount_namespace() -> str:
    return os.readlink("/proc/self/ns/mnt")


def check_machine() -> None:
    """Raises Missing."""
    if os.getuid() != 0:
        raise Missing("a libvirtd of our own needs root")
    require("libvirt", "libvirt", "libvirtd", "virtlogd", "virsh")
    require("libvirt", "QEMU", "qemu-system-x86_64")
    require("libvirt", "what makes a namespace", "unshare", "mount")
    tried = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "mount", "-t", "tmpfs", "none", "/run"],
                           text=True, capture_output=True)
    if tried.returncode != 0:
        raise Missing(f"no namespaces of mounts and processes can be made here: {tried.stderr.strip()}")
    if APPARMOR_PROFILES.exists() and "libvirtd (enforce)" in APPARMOR_PROFILES.read_text():
        raise Missing("AppArmor keeps libvirtd from running a hook of the build directory (aa-complain libvirtd ends that)")


def run_inside() -> None:
    """As the first process, which inherits what daemons leave behind: waits for the stories, and for all of that."""
    stories = os.fork()
    if stories == 0:
        furnish()
        unittest.main(module="__main__", verbosity=2)
    while True:
        ended, status = os.wait()
        if ended == stories:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def furnish() -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", "mode=755", "none", "/run")
    own = Path("/run/private-machine")
    own.mkdir()
    subprocess.run(["cp", "--archive", "/etc", own], check=True)
    mount("--bind", own / "etc", "/etc")
    for folder in LIBVIRT_FOLDERS:
        folder.mkdir(parents=True, exist_ok=True)
        if not folder.is_relative_to("/run") and not folder.is_relative_to("/etc"):
            (own / folder.relative_to("/")).mkdir(parents=True)
            mount("--bind", own / folder.relative_to("/"), folder)
    mount("--bind", CACHE, "/var/cache/libvirt")
    hide_kvm(own / "no-kvm")
    clear()
    add_user()


def hide_kvm(nothing: Path) -> None:
    """Else libvirtd asks QEMU again at each start: 8 s; and KVM hangs where the machine is a guest itself."""
    if os.path.exists("/dev/kvm"):
        nothing.touch(mode=0o000)
        mount("--bind", nothing, "/dev/kvm")


def add_user() -> None:
    """An ordinary one, whom nobody else is."""
    home = Path("/run") / USER
    home.mkdir(mode=0o700)
    os.chown(home, USER_ID, USER_ID)
    for path, line in (("/etc/passwd", f"{USER}:x:{USER_ID}:{USER_ID}::{home}:/bin/sh\n"), ("/etc/group", f"{USER}:x:{USER_ID}:\n")):
        with open(path, "a") as file:
            file.write(line)


def clear() -> None:
    """libvirt as after its installation, without networks; what is configured for basecache goes too."""
    if not is_inside():
        raise AssertionError("outside of a private machine these are somebody's own files")
    for folder in (*LIBVIRT_FOLDERS, Path("/etc/basecache")):
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)
