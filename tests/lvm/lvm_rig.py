"""Runs a program with real LVM: lvm_rig.py PROGRAM [ARGUMENT...], as root.

Where this machine has device-mapper, the program runs here; else in a small guest under QEMU's software emulation, whose
root is this machine's own, read-only, so that the program and its libraries stand at the same paths. It gets
  BASECACHE_TEST_VOLUME_GROUP  an empty volume group, of this run alone, as large as BASECACHE_TEST_GROUP_GIB says (1),
                               on a loop device or the guest's disk
and leaves nothing: the group goes with all its volumes, the guest with all it wrote.

Exit code: the program's; 77 when something is missing here (then it says what; Meson counts that as skipped), 124 when
it took longer than BASECACHE_TEST_SECONDS (540), 125 when the guest ended without a result (then its console's end
is shown).
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import lvm_guest
from lvm_guest import IN_GUEST
from requirements import Missing, require

SKIPPED, TOOK_TOO_LONG = 77, 124
GROUP_SIZE = int(os.environ.get("BASECACHE_TEST_GROUP_GIB", "1")) << 30


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that everything is given back
    seconds = float(os.environ.get("BASECACHE_TEST_SECONDS", "540"))
    try:
        if os.getuid() != 0:
            raise Missing("LVM needs root")
        require("lvm", "LVM", "lvm", "dmsetup", "losetup", "cryptsetup")
        if has_device_mapper():
            return run_here(sys.argv[1:], seconds)
        if IN_GUEST in os.environ:
            raise AssertionError("the guest has no device-mapper either")
        return lvm_guest.run([sys.executable, str(Path(__file__).resolve()), *map(absolute, sys.argv[1:])], GROUP_SIZE, seconds)
    except Missing as missing:
        print(f"skipped: {missing}")
        return SKIPPED
    except subprocess.TimeoutExpired:
        print(f"lvm_rig: it took longer than {seconds:.0f} s", file=sys.stderr)
        return TOOK_TOO_LONG


def absolute(word: str) -> str:
    return str(Path(word).resolve()) if os.path.exists(word) else word


def has_device_mapper() -> bool:
    return os.path.exists("/dev/mapper/control") and subprocess.run(["dmsetup", "version"], capture_output=True).returncode == 0


def run_here(command: list[str], seconds: float) -> int:
    with volume_group() as group:
        running = subprocess.Popen(command, env=os.environ | {"BASECACHE_TEST_VOLUME_GROUP": group}, start_new_session=True)
        try:
            return running.wait(seconds)
        finally:
            end_group(running)


def end_group(running: subprocess.Popen) -> None:
    """The program and what it started, if any of it still runs."""
    try:
        os.killpg(running.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    running.wait()


@contextmanager
def volume_group() -> Iterator[str]:
    """The name of a new group on a device of its own."""
    with ExitStack() as given_back:
        device = lvm_guest.DISK if IN_GUEST in os.environ else given_back.enter_context(loop_device())
        group = f"basecache-test-{os.getpid()}"
        tool("lvm", "vgcreate", "--yes", group, device)
        given_back.callback(remove_group, group)
        yield group


@contextmanager
def loop_device() -> Iterator[str]:
    with ExitStack() as given_back:
        scratch = Path(tempfile.mkdtemp(prefix="basecache-lvm."))
        given_back.callback(shutil.rmtree, scratch)
        disk = scratch / "disk.img"
        with open(disk, "wb") as file:
            file.truncate(GROUP_SIZE)
        loop = tool("losetup", "--find", "--show", disk).strip()
        given_back.callback(tool, "losetup", "--detach", loop)
        yield loop


def remove_group(group: str) -> None:
    """With all its volumes, and what stands on them."""
    for line in tool("dmsetup", "ls", "--target", "crypt").splitlines():
        name = line.split("\t")[0]
        if name != "No devices found" and group.replace("-", "--") in tool("dmsetup", "deps", "-o", "devname", name):
            tool("dmsetup", "remove", "--retry", name)
    tool("lvm", "vgremove", "--yes", "--force", "--force", group)


def tool(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, close_fds=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
